/* Running code the way the command runs it.
 *
 * An interrupt that nobody caught is no news to the one who pressed Ctrl-C: it keeps its
 * bare message, without a traceback, and is remembered for the exit status. */
#include "host/chunk.h"

#include "host/interrupt.h"
#include "host/report.h"

#include <lauxlib.h>
#include <string.h>

static bool prompt;                       /* the prompt is running the chunks */
static enum mc_interruption interruption; /* what came through outside the prompt */

/* The message handler: value → what is reported. Called from C straight, so that a
 * __tostring sees the failed function at the level where lua shows it. */
static int explain(lua_State *L) {
  enum mc_interruption what = interrupt_of_error(L, 1);
  if (!prompt && what) {
    interruption = what;
    lua_pushstring(L, mc_interrupt_text(what));
    return 1;
  }
  const char *message = lua_tostring(L, 1);
  if (message == NULL) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING)
      return 1;
    message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, message, 1);
  return 1;
}

int chunk_call(lua_State *L, int n_args, int n_results) {
  int handler = lua_gettop(L) - n_args;
  lua_pushcfunction(L, explain);
  lua_insert(L, handler);
  interrupt_arm(L, !prompt);
  int status = lua_pcall(L, n_args, n_results, handler);
  interrupt_disarm();
  lua_remove(L, handler);
  return status;
}

/* Runs what a loader left on the stack, if it loaded. */
static int run(lua_State *L, int status) {
  if (status == LUA_OK)
    status = chunk_call(L, 0, 0);
  return report_status(L, status);
}

int chunk_do_file(lua_State *L, const char *file) {
  return run(L, luaL_loadfile(L, file));
}

int chunk_do_string(lua_State *L, const char *code, const char *chunk_name) {
  return run(L, luaL_loadbuffer(L, code, strlen(code), chunk_name));
}

void chunk_set_prompt(bool at_prompt) {
  prompt = at_prompt;
}

void chunk_end(lua_State *L) {
  enum mc_interruption what = interrupt_drop(L);
  if (!what || interruption)
    return;
  interruption = what;
  report_message(mc_interrupt_text(what));
}

enum mc_interruption chunk_interruption(void) {
  return interruption;
}
