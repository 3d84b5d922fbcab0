/* The command's Lua state. */
#ifndef MC_HOST_STATE_H
#define MC_HOST_STATE_H

#include <lua.h>

/* A new state as luaL_newstate makes it, warnings off, whose small blocks are in cells of
 * its own, unless MOONCREW_MALLOC=malloc is in the environment. NULL: no memory. */
lua_State *state_open(void);

/* Closes the state and frees its memory. */
void state_close(lua_State *L);

#endif
