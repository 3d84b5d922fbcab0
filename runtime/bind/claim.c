#include "bind/claim.h"

#include "base/error.h"
#include "crew/claim.h"

#include <lauxlib.h>

static int answer(lua_State *L, int error) {
  if (error && error != MC_BUSY) {
    lua_pushnil(L);
    lua_pushstring(L, mc_strerror(error));
    return 2;
  }
  lua_pushboolean(L, error == 0);
  return 1;
}

/* claim(fd) → true; false: another has it; or nil and what the system says */
static int claim(lua_State *L) {
  return answer(L, mc_claim((int)luaL_checkinteger(L, 1)));
}

/* unclaim(fd) → true, or nil and what the system says */
static int unclaim(lua_State *L) {
  return answer(L, mc_unclaim((int)luaL_checkinteger(L, 1)));
}

void bind_open_claim(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"claim", claim},
      {"unclaim", unclaim},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
