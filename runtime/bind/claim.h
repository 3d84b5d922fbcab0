/* Claims on files, for lua/mooncrew alone. */
#ifndef MC_BIND_CLAIM_H
#define MC_BIND_CLAIM_H

#include <lua.h>

/* Sets claim() and unclaim() in the table on top. */
void bind_open_claim(lua_State *L);

#endif
