#include "bind/shield.h"

#include "crew/interrupt.h"

#include <lauxlib.h>

static int done(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return lua_gettop(L);
}

/* After a call for which it was set to another value: sets it back. */
static int restore(lua_State *L, int status, lua_KContext was) {
  mc_interrupt_hold((bool)was);
  return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) : lua_error(L);
}

static int call(lua_State *L, bool hold) {
  luaL_checkany(L, 1);
  int n = lua_gettop(L) - 1;
  bool was = mc_interrupt_hold(hold);
  if (was == hold) {
    lua_callk(L, n, LUA_MULTRET, 0, done);
    return lua_gettop(L);
  }
  return restore(L, lua_pcallk(L, n, LUA_MULTRET, 0, was, restore), was);
}

/* shield(fn, …) → what fn(…) returns */
static int shield(lua_State *L) {
  return call(L, true);
}

/* open(fn, …) → what fn(…) returns */
static int open(lua_State *L) {
  return call(L, false);
}

void bind_open_shield(lua_State *L) {
  lua_pushcfunction(L, shield);
  lua_setfield(L, -2, "shield");
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, "open");
}
