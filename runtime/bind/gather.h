/* Many values at once, copied out of Lua: for operations that write all or none. */
#ifndef MC_BIND_GATHER_H
#define MC_BIND_GATHER_H

#include "bind/shared_value.h"

#include <lua.h>

struct bind_gather;

/* Pushes an empty one (a userdata) and returns it. */
struct bind_gather *bind_gather_new(lua_State *L);

/* Adds a copy of the key (may be NULL) and the value. Raises when memory runs out. */
void bind_gather_add(lua_State *L, struct bind_gather *gather, const struct mc_key *key,
                     const struct mc_value *value);

/* What was gathered; valid until the next add. `keys` may be NULL. */
size_t bind_gather_all(struct bind_gather *gather, const struct mc_key **keys,
                       const struct mc_value **values);

#endif
