/* Lua values and what shared tables keep: keys, values, and copies of them.
 *
 *   integer, float     a number, which the core can count up in place
 *   string, boolean    their bytes as they are
 *   handle             a reference
 *   table              becomes a shared one first, and is kept as a handle; with a
 *                      metatable it is copied instead, as in a queue
 *   anything else      as in a queue: copied by the codec, or refused */
#ifndef MC_BIND_SHARED_VALUE_H
#define MC_BIND_SHARED_VALUE_H

#include "share/value.h"

#include <lua.h>

enum bind_form {
  BIND_STRING = MC_BYTES,
  BIND_FALSE,
  BIND_TRUE,
  BIND_HANDLE,
  BIND_ENCODED,
};

/* Bytes of a value that are copied along in an iteration; larger ones are asked for. */
#define BIND_ALONG 256

/* A key with room for its bytes; those of a string are the Lua string's. */
struct bind_key {
  struct mc_key key;
  union {
    lua_Integer integer;
    lua_Number number;
    char boolean;
  };
};

/* The key at `index`; raises for what can't be one, naming the function. */
void bind_to_key(lua_State *L, int index, const char *function, struct bind_key *key);

/* The value at `index`. What it refers to is good until the next call of this function
 * and as long as the value is on the stack; a plain table is replaced there by the handle
 * of a shared one. Raises for what can't be shared, and when memory runs out. `room` is
 * for the reference of a handle. */
void bind_to_value(lua_State *L, int index, struct mc_value *value, mc_ref *room);

/* The same for a value that is not a plain table; `name` is what a refusal calls it. */
void bind_to_value_as(lua_State *L, int index, const char *name, struct mc_value *value,
                      mc_ref *room);

/* The value at `index`, not a plain table, that something is to be compared with. With
 * `copied` it outlives another call of bind_to_value. */
void bind_to_compare(lua_State *L, int index, bool copied, const char *function,
                     struct mc_value *value, mc_ref *room);

/* true when bind_to_value_as may refuse the value, or needs the codec. */
bool bind_is_complex(lua_State *L, int index);

/* true when the value is a table without a metatable: it is never equal to anything that
 * is in a shared table. */
bool bind_is_plain_table(lua_State *L, int index);

/* Pushes the value of item i. */
void bind_push_item(lua_State *L, struct mc_batch *batch, size_t i);

/* Pushes the value of the only item, and empties the batch. */
void bind_push_only(lua_State *L, struct mc_batch *batch);

/* Pushes the key of the item. */
void bind_push_key(lua_State *L, const struct mc_batch *batch,
                   const struct mc_item *item);

/* Pushes a number of the core. */
void bind_push_number(lua_State *L, const struct mc_value *number);

/* The number at `arg`, as an integer if it is one. */
void bind_check_number(lua_State *L, int arg, struct mc_value *number);

/* A batch for one short use: emptied, and good until the next Lua call that may run other
 * code. bind_push_item on it may be the last thing done with it. */
struct mc_batch *bind_batch(void);

/* Pushes a userdata with a batch of its own, which the collector frees. */
struct mc_batch *bind_batch_new(lua_State *L);

#endif
