/* luv on this process's loop, and what becomes of an error in one of its callbacks.
 *
 *   wait of ours, or uv.run ── loop ── callback raises
 *        │  the next step of Lua fires a hook ◀──┘ kept; the loop stops
 *        └─ raises it here
 *
 * luv itself would print the error and call exit(-1); a Ctrl-C that hits a callback would
 * so end the process with 255 and without its cleanup. */
#include "bind/luv.h"

#include "bind/error.h"
#include "crew/interrupt.h"
#include "crew/loop.h"

#include <lauxlib.h>
#include <luv/luv.h>
#include <stdbool.h>
#include <string.h>

static const char interrupted[] = "interrupted!";

static const char failure_key; /* registry: the error that waits to be raised */
static bool loaded;

static void raise_late(lua_State *L, lua_Debug *record) {
  (void)record;
  lua_sethook(L, NULL, 0, 0);
  if (mc_interrupt_take())
    luaL_error(L, "%s", interrupted);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_key) == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
  lua_error(L);
}

/* Whether the value on top is what a Ctrl-C raises. */
static bool is_interrupt(lua_State *L) {
  size_t length = 0, end = sizeof interrupted - 1;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : "";
  return length >= end && strcmp(text + length - end, interrupted) == 0;
}

static int add_traceback(lua_State *L) {
  if (lua_type(L, 1) == LUA_TSTRING && !is_interrupt(L))
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

/* Pops the error: the first one is kept, others are its consequences. */
static void keep_error(lua_State *L) {
  if (is_interrupt(L)) {
    mc_interrupt(); /* whoever waits takes it, in a coroutine too */
  } else if (lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_key) == LUA_TNIL) {
    lua_pushvalue(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
    lua_pop(L, 1);
  } else {
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  uv_stop(luv_loop(L));
  lua_sethook(L, raise_late, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT,
              1);
}

/* How luv calls a callback: see luv_CFpcall in luv.h. */
static int call_back(lua_State *L, int n_args, int n_results, int flags) {
  (void)flags;
  int base = lua_gettop(L) - n_args;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, base);
  int status = lua_pcall(L, n_args, n_results, base);
  lua_remove(L, base);
  if (status == LUA_OK)
    return lua_gettop(L) - base + 1;
  keep_error(L);
  return -status;
}

int bind_open_luv(lua_State *L) {
  int error;
  uv_loop_t *loop = mc_loop(&error);
  if (!loop)
    return bind_raise(L, "luv", error);
  luv_set_loop(L, loop); /* before luv opens, or it makes a loop of its own */
  luv_set_callback(L, call_back);
  loaded = true;
  return luaopen_luv(L);
}

void bind_luv_forked(lua_State *L) {
  if (!loaded)
    return;
  int error;
  uv_loop_t *loop = mc_loop(&error);
  if (!loop)
    bind_raise(L, "luv", error);
  luv_set_loop(L, loop);
}
