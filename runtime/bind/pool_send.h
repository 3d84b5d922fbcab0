/* What the files share that put a pool's tasks together. */
#ifndef MC_BIND_POOL_SEND_H
#define MC_BIND_POOL_SEND_H

#include "base/buffer.h"
#include "bind/pool.h"
#include "crew/pool.h"
#include "wire/wire.h"

/* A function that was encoded once, for many tasks. */
struct bind_function {
  struct mc_buffer bytes, refs;
  bool plain;
};

/* The one at that argument, or an argument error. */
const struct bind_function *bind_check_function(lua_State *L, int arg);

/* What its tasks have behind their head. */
struct wire_bytes bind_function_bytes(const struct bind_function *function);

/* The head of a task, but for its id. At index `timeout`: the time-out in seconds, or
 * nil.
 */
struct mc_task_head bind_task_head(lua_State *L, const struct bind_function *function,
                                   enum bind_task_mode mode, int timeout);

#endif
