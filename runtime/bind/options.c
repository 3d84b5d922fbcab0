#include "bind/options.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

static bool is_known(lua_State *L, int key, const char *const *known) {
  const char *name = lua_type(L, key) == LUA_TSTRING ? lua_tostring(L, key) : "[]";
  for (; *known; known++)
    if (**known == *name && !strcmp(*known, name)) /* most differ at once */
      return true;
  return false;
}

void bind_check_option(lua_State *L, int arg, int key, const char *const *known) {
  if (is_known(L, key, known))
    return;
  const char *name = luaL_tolstring(L, key, NULL);
  luaL_argerror(L, arg, lua_pushfstring(L, "unknown option '%s'", name));
}

void bind_check_options(lua_State *L, int arg, const char *const *known) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    lua_pop(L, 1);
    bind_check_option(L, arg, -1, known);
  }
}
