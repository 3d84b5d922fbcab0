/* mooncrew.Array: plain numbers that processes share. */
#ifndef MC_BIND_ARRAY_H
#define MC_BIND_ARRAY_H

#include <lua.h>

#define BIND_ARRAY_CLASS "mooncrew.Array"

/* Sets Array in the module table on top, and makes the class. */
void bind_open_array(lua_State *L);

#endif
