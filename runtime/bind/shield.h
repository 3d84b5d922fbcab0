/* Steps of Lua that a Ctrl-C does not break off. */
#ifndef MC_BIND_SHIELD_H
#define MC_BIND_SHIELD_H

#include <lua.h>

/* Sets shield() and open() in the table on top: see lua/mooncrew/interrupt.lua. */
void bind_open_shield(lua_State *L);

#endif
