/* A bound on what a Lua state allocates.
 *
 * The kernel's limit counts pages that a process asks for. A child is born with what its
 * parent has freed, which it could use without asking; so its Lua state is held as well.
 */
#ifndef MC_BIND_LUA_LIMIT_H
#define MC_BIND_LUA_LIMIT_H

#include <lua.h>
#include <stdint.h>

/* From here on the state's memory may grow by `bytes`, or by what a limit that the
 * process inherited still leaves. */
void bind_lua_limit(lua_State *L, uint64_t bytes);

/* Lets it grow by a little more, so that its failure can be reported. */
void bind_lua_limit_give_reserve(void);

#endif
