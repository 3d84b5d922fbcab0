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

/* Appends the first value of each of the n messages to the table on top of the stack,
 * from index `next` on; nil instead of a table, where n is 1, is replaced by a new one
 * with room for so many. Returns how many there are now of these n. As bind_receive, or
 * bind_receive_kept if `keep`; but it raises only when the table would be left empty.
 * Otherwise the message that can't be decoded goes back to the queue, with those behind
 * it, and raises when it is asked for next. */
size_t bind_receive_all(lua_State *L, const struct mc_lease *leases, size_t n,
                        lua_Integer next, int room, bool keep);

#endif
