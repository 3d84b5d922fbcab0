/* Encoded values that are kept until there is room for them: the codec's own buffer is
 * used again by the next encode, and a wait or a batch outlives that. */
#ifndef MC_BIND_PARCEL_H
#define MC_BIND_PARCEL_H

#include "share/queue.h"
#include "wire/wire.h"

#include <lua.h>

/* Pushes an empty parcel (a userdata) and returns it. */
struct bind_parcel *bind_parcel_new(lua_State *L);

/* An empty parcel of the process, for as long as no Lua code runs and nothing is
 * collected: that may use it too. */
struct bind_parcel *bind_parcel_scratch(void);

/* Pushes a parcel that takes over what the scratch has, and returns it. Raises. */
struct bind_parcel *bind_parcel_from_scratch(lua_State *L);

/* Appends one message that copies `bytes`; `head` (may be NULL) comes before them.
 * Raises. */
void bind_parcel_add(lua_State *L, struct bind_parcel *parcel, const void *head,
                     size_t head_length, const struct wire_bytes *bytes);

/* The messages not yet marked as gone; valid until the next add. */
const struct mc_message *bind_parcel_messages(lua_State *L, struct bind_parcel *parcel,
                                              size_t *n);

/* The first n of them are in the queue. */
void bind_parcel_gone(struct bind_parcel *parcel, size_t n);

/* How many are marked as gone. */
size_t bind_parcel_count_gone(const struct bind_parcel *parcel);

#endif
