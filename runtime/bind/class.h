/* luaL_checkudata() for classes that are asked for often: their metatable is known by its
 * address, in the Lua state that opened them last. In any other one it is looked up by
 * the name. */
#ifndef MC_BIND_CLASS_H
#define MC_BIND_CLASS_H

#include <lauxlib.h>
#include <lua.h>

struct bind_class {
  const char *name;
  const void *metatable;
};

/* Pushes the metatable, as luaL_newmetatable() does. */
static inline int bind_class_new(lua_State *L, struct bind_class *class) {
  int fresh = luaL_newmetatable(L, class->name);
  class->metatable = lua_topointer(L, -1);
  return fresh;
}

static inline void *bind_class_check(lua_State *L, int arg,
                                     const struct bind_class *class) {
  void *object = lua_touserdata(L, arg);
  if (object && lua_getmetatable(L, arg)) {
    const void *metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    if (metatable == class->metatable)
      return object;
  }
  return luaL_checkudata(L, arg, class->name);
}

#endif
