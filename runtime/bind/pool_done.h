/* Results of a pool that need no look by Lua. */
#ifndef MC_BIND_POOL_DONE_H
#define MC_BIND_POOL_DONE_H

#include "bind/pool.h"

/* Deals with the results at the front that just have to be noted: of items of one map, or
 * of calls without options (pool_give.c). Pushes nothing and returns 0 when there are
 * none; else what the items have in common (false: they are calls), "done", and how many;
 * and when the next one can't be decoded here: the error, its task, and for an item its
 * number. */
int bind_pool_take_done(lua_State *L, struct bind_pool *pool);

#endif
