/* From leases of a queue to Lua values: decode straight from shared memory, then settle.
 */
#ifndef MC_BIND_RECEIVE_H
#define MC_BIND_RECEIVE_H

#include "share/queue.h"

#include <lua.h>

/* Pushes the values of a message behind its first `skip` bytes; returns how many. The
 * lease is settled in any case: also when the message can't be decoded here, which is
 * raised. Only when memory runs out it goes back to the queue. */
int bind_receive(lua_State *L, const struct mc_lease *lease, size_t skip);

/* The same from a queue that redelivers: the lease is kept until task_done(). A message
 * that can't be decoded counts as done. */
int bind_receive_kept(lua_State *L, const struct mc_lease *lease);

/* Appends the first value of each of the n messages to the table at `table`, from index
 * `next` on. As bind_receive, or bind_receive_kept if `keep`: what was not reached when
 * an error is raised goes back to the queue. */
void bind_receive_all(lua_State *L, const struct mc_lease *leases, size_t n, int table,
                      lua_Integer next, bool keep);

#endif
