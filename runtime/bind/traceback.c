#include "bind/traceback.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#define MOST_LINES 21 /* of luaL_traceback, before it leaves out the middle */

static lua_State *base_thread;
static int base_depth;

static int depth(lua_State *L) {
  lua_Debug frame;
  int n = 0;
  while (lua_getstack(L, n, &frame))
    n++;
  return n;
}

void bind_traceback_base(lua_State *L) {
  base_thread = L;
  base_depth = depth(L);
}

/* The chunks of lua/mooncrew are called as their modules; a script's are called as files.
 */
static bool is_ours(const char *source) {
  static const char name[] = "=mooncrew";
  size_t length = sizeof name - 1;
  return strncmp(source, name, length) == 0 &&
         (source[length] == '.' || source[length] == '\0');
}

void bind_push_where(lua_State *L) {
  lua_Debug frame;
  int own = depth(L) - (L == base_thread ? base_depth : 0);
  for (int level = 0; level < own && lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline > 0 && !is_ours(frame.source)) {
      lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
      return;
    }
  }
  lua_pushliteral(L, "");
}

void bind_push_traceback(lua_State *L, int level) {
  int frames = depth(L) - level;
  luaL_traceback(L, L, NULL, level);
  int own = L == base_thread ? frames - base_depth : frames;
  if (own >= frames || own < 0 || frames > MOST_LINES)
    return;
  const char *text = lua_tostring(L, -1);
  const char *end = strchr(text, '\n'); /* behind the headline */
  for (int i = 0; i < own && end; i++)
    end = strchr(end + 1, '\n');
  if (!end)
    return;
  lua_pushlstring(L, text, (size_t)(end - text));
  lua_remove(L, -2);
}
