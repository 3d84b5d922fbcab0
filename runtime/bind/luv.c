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
#include "bind/traceback.h"
#include "crew/interrupt.h"
#include "crew/loop.h"

#include <dlfcn.h>
#include <lauxlib.h>
#include <luv/luv.h>
#include <stdbool.h>
#include <string.h>

static const char failure_key; /* registry: the error that waits to be raised */

/* luv's own functions, from the library that holds them: opened when a script asks. */
static struct {
  lua_CFunction open; /* NULL: nobody has asked */
  void (*set_loop)(lua_State *L, uv_loop_t *loop);
  void (*set_callback)(lua_State *L, luv_CFpcall call);
  uv_loop_t *(*loop)(lua_State *L);
} luv;

static void raise_late(lua_State *L, lua_Debug *record) {
  (void)record;
  if (mc_interrupt_is_held())
    return;
  lua_sethook(L, NULL, 0, 0);
  enum mc_interruption what = mc_interrupt_take();
  if (what)
    luaL_error(L, "%s", mc_interrupt_text(what));
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_key) == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
  lua_error(L);
}

/* Whether the value on top is what a Ctrl-C or a SIGTERM raises. */
static enum mc_interruption is_interrupt(lua_State *L) {
  size_t length = 0;
  if (lua_type(L, -1) != LUA_TSTRING)
    return MC_NO_INTERRUPTION;
  const char *text = lua_tolstring(L, -1, &length);
  return mc_interrupt_of(text, length);
}

static int add_traceback(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING || is_interrupt(L))
    return 1;
  lua_pushliteral(L, "\n");
  bind_push_traceback(L, L, 1);
  lua_concat(L, 3);
  return 1;
}

/* Pops the error: the first one is kept, others are its consequences. */
static void keep_error(lua_State *L) {
  enum mc_interruption what = is_interrupt(L);
  if (what) {
    mc_interrupt(what); /* whoever waits takes it, in a coroutine too */
  } else if (lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_key) == LUA_TNIL) {
    lua_pushvalue(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
    lua_pop(L, 1);
  } else {
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  uv_stop(luv.loop(L));
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

static void load(lua_State *L) {
  if (luv.open)
    return;
  void *library = dlopen(LUV_SONAME, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    luaL_error(L, "luv: cannot load its library: %s", dlerror());
  *(void **)&luv.set_loop = dlsym(library, "luv_set_loop");
  *(void **)&luv.set_callback = dlsym(library, "luv_set_callback");
  *(void **)&luv.loop = dlsym(library, "luv_loop");
  void *open = dlsym(library, "luaopen_luv");
  if (!luv.set_loop || !luv.set_callback || !luv.loop || !open)
    luaL_error(L, "luv: " LUV_SONAME " is not the library that was expected");
  *(void **)&luv.open = open;
}

int bind_open_luv(lua_State *L) {
  int error;
  uv_loop_t *loop = mc_loop(&error);
  if (!loop)
    return bind_raise(L, "luv", error);
  load(L);
  luv.set_loop(L, loop); /* before luv opens, or it makes a loop of its own */
  luv.set_callback(L, call_back);
  return luv.open(L);
}

void bind_luv_forked(lua_State *L) {
  if (!luv.open)
    return;
  int error;
  uv_loop_t *loop = mc_loop(&error);
  if (!loop)
    bind_raise(L, "luv", error);
  luv.set_loop(L, loop);
}
