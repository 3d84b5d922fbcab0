/* Results of a pool that need no look by Lua. */
#ifndef MC_BIND_POOL_DONE_H
#define MC_BIND_POOL_DONE_H

#include "bind/pool.h"

/* Sets take_done() in the table on top, a method. */
void bind_open_pool_done(lua_State *L);

#endif
