/* The state of this process: there is one at a time. */
#include "host/state.h"

#include "base/cells.h"
#include "host/report.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct mc_cells *cells;

static bool warnings_on, warning_begun;

/* What lua5.4 does with warn: "@on" and "@off" are commands where a message begins. */
static void warn(void *data, const char *text, int goes_on) {
  (void)data;
  if (!warning_begun && !goes_on && text[0] == '@') {
    if (strcmp(text, "@on") == 0)
      warnings_on = true;
    else if (strcmp(text, "@off") == 0)
      warnings_on = false;
    return;
  }
  if (!warnings_on)
    return;
  report_warning(text, !warning_begun, !goes_on);
  warning_begun = goes_on;
}

static int panic(lua_State *L) {
  const char *message = lua_tostring(L, -1);
  report_panic(message ? message : "error object is not a string");
  return 0; /* Lua aborts */
}

static void *plain(void *data, void *block, size_t old, size_t new) {
  (void)data;
  (void)old;
  if (new)
    return realloc(block, new);
  free(block);
  return NULL;
}

/* Tools that look for bugs of memory know malloc's blocks, and no cells. */
static bool wants_malloc(void) {
#ifdef __SANITIZE_ADDRESS__
  return true;
#else
  const char *wish = getenv("MOONCREW_MALLOC");
  return wish && strcmp(wish, "malloc") == 0;
#endif
}

lua_State *state_open(void) {
  cells = mc_cells_new();
  lua_State *L =
      cells ? lua_newstate(wants_malloc() ? plain : mc_cells_realloc, cells) : NULL;
  if (!L)
    return NULL;
  lua_atpanic(L, panic);
  lua_setwarnf(L, warn, NULL);
  return L;
}

void state_close(lua_State *L) {
  lua_close(L);
  mc_cells_free(cells);
}
