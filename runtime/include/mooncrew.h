/* mooncrew: a task runtime that runs Lua 5.4 over forked states and shared memory.
 *
 * The public header. At this stage it holds what a host needs to open the module in a Lua
 * state of its own; see docs/. */
#ifndef MOONCREW_H
#define MOONCREW_H

#define MOONCREW_VERSION "0.1.0"

struct lua_State;

#if defined(__GNUC__)
#define MOONCREW_API __attribute__((visibility("default")))
#else
#define MOONCREW_API
#endif

/* The module, as `require "mooncrew"` opens it: a lua_CFunction that returns one table.
 * Raises a Lua error when it can't be opened. Only the process's main thread may call it,
 * and the process must be single-threaded where it forks. */
MOONCREW_API int luaopen_mooncrew(struct lua_State *L);

#endif
