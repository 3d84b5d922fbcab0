#include "host/helper.h"

#include "bind/helper.h"
#include "bind/open.h"
#include "host/state.h"

#include <lauxlib.h>
#include <lualib.h>

bool helper_wanted(void) {
  return bind_helper_wanted();
}

static int serve(lua_State *L) {
  luaL_checkversion(L);
  luaL_openlibs(L);
  lua_gc(L, LUA_GCGEN, 0, 0);
  lua_pushcfunction(L, bind_helper);
  lua_call(L, 0, 0);
  return 0;
}

bool helper_run(void) {
  lua_State *L = state_open();
  if (L == NULL)
    return false;
  lua_pushcfunction(L, serve);
  bool ok = lua_pcall(L, 0, 0, 0) == LUA_OK;
  lua_settop(L, 0);
  lua_pushcfunction(L, bind_finish);
  lua_pushboolean(L, true);
  lua_pcall(L, 1, 0, 0);
  state_close(L);
  return ok;
}
