/* The value codec: Lua values to bytes and back (rule 4 of the API).
 *
 *   stack values --wire_encode--> struct wire_bytes { bytes, refs } --wire_decode-->
 * stack values
 *
 * Crosses by copy: nil, booleans, integers, floats, strings, tables (cycles, sharing,
 * metatables) and Lua functions with their upvalues. Crosses by name: registered classes
 * and constants, C functions and modules that package.loaded leads to. Crosses by
 * reference: handles, through the hooks. Everything else is refused, with the path of the
 * offender.
 *
 * A message that holds plain data only (no function, no metatable that is not registered)
 * is copied as it is; in any other one a table that is a module crosses by its name.
 *
 * Every function takes a lua_State and belongs to that state's thread. Errors are Lua
 * errors; after one the codec is as it was, and nothing is leaked: all memory is the
 * state's allocator's, and owned by a userdata in the registry.
 *
 * Trust: wire_decode survives any bytes, but a message may name modules to load and holds
 * functions as precompiled code, guarded by a checksum against accidents, not against
 * malice. Messages must come from one's own tree of processes. */
#ifndef MC_WIRE_WIRE_H
#define MC_WIRE_WIRE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Levels of nesting that a message may have: what fits a small C stack. */
#define WIRE_MAX_DEPTH 4000

/* What the layers above know: how handles of shared objects pass, and who sends. Each may
 * use LUA_MINSTACK slots of the stack. */
struct wire_hooks {
  /* true when the full userdata at `index` is a handle; then *ref is its reference. Must
   * not raise, run Lua code or collect garbage. */
  bool (*to_ref)(lua_State *L, int index, uint32_t *ref);
  /* Pushes the handle of `ref`: exactly one value. May raise. */
  void (*push)(lua_State *L, uint32_t ref);
  /* Pushes where the caller is, "file.lua:12: " or "", for a refusal to begin with. NULL:
   * the function that called the one that runs, as for luaL_error. */
  void (*where)(lua_State *L);
};

/* An encoded message. The bytes hold indices into refs, so that the holder can find and
 * hold the shared objects without knowing the format. */
struct wire_bytes {
  const unsigned char *bytes;
  size_t length;
  const uint32_t *refs;
  uint32_t n_refs;
};

/* Readies the state; needed once, before anything else here. `hooks` must outlive the
 * state; NULL when there are none. Called again it replaces the hooks. */
void wire_open(lua_State *L, const struct wire_hooks *hooks);

/* Encodes `count` values from stack index `first` on. The result lies in a buffer of the
 * state and is valid until the next encode in this state; since garbage collection may
 * run a finalizer that sends something, copy it before any call that may collect. `name`
 * is the root's name in a refusal: "item" gives `cannot send a FILE* (at item.log[2])`.
 * With several values, or a name that ends in "[]", the roots are name[1], name[2] ...
 * Raises for a value that can't be sent, nesting beyond WIRE_MAX_DEPTH, a message of 4
 * GiB or more, and when memory runs out. Runs no Lua code. The stack is left as it was.
 */
void wire_encode(lua_State *L, int first, int count, const char *name,
                 struct wire_bytes *out);

/* The same, with roots that are called name[number], name[number + 1] ...: elements of
 * the caller's list. */
void wire_encode_from(lua_State *L, int first, int count, const char *name,
                      lua_Integer number, struct wire_bytes *out);

/* The same for the elements `first` to `last` of the list at `index`, taken raw: so many
 * values, whose roots are name[number] and so on. */
void wire_encode_list(lua_State *L, int index, lua_Integer first, lua_Integer last,
                      const char *name, lua_Integer number, struct wire_bytes *out);

/* What encoding one small value needs at most. */
#define WIRE_SCALAR_ROOM 256

/* Encodes a nil, boolean, number or short string without the codec's state: into `room`,
 * of WIRE_SCALAR_ROOM bytes, which must outlive `out`. false for any other value; then
 * nothing has happened. The message is that of wire_encode. Never raises. */
bool wire_encode_scalar(lua_State *L, int index, unsigned char *room,
                        struct wire_bytes *out);

/* Encodes a longer string without copying it: the message is what is in `out`, in the
 * room as above, followed by the string's own bytes, n of them, which are returned and
 * live as long as it does. NULL for any other value. Never raises. */
const char *wire_encode_string(lua_State *L, int index, unsigned char *room,
                               struct wire_bytes *out, size_t *n);

/* Pushes the value of a message that is one nil, boolean or number; false for any other
 * one, and for what is no message: then nothing has happened. Needs one slot of the
 * stack. Never raises. */
bool wire_decode_scalar(lua_State *L, const struct wire_bytes *in);

/* Pushes the values of a message; returns how many. `in` must stay as it is meanwhile.
 * Raises for anything that is not a valid message, for a name that leads nowhere in this
 * state, and when memory runs out. May run Lua code: `require`, hooks->push, finalizers.
 * Never reads outside `in`; memory is bounded by a small multiple of its length. */
int wire_decode(lua_State *L, const struct wire_bytes *in);

/* Decodes a message value by value, for who needs one at a time. The fields are the
 * codec's, but for `left`: how many values are still to come. */
struct wire_decoder {
  lua_State *L;
  const struct wire_bytes *in;
  const unsigned char *at;
  const unsigned char *end;
  int memo; /* stack index: nil, or a table of shared values by the offset of their tag */
  int depth;
  size_t claimed; /* bytes that elements announced so far must have */
  uint64_t left;
};

/* Starts: pushes one slot, which is the decoder's and must stay where it is until the
 * last value is read. `in` must stay as it is as long. Raises as wire_decode. */
void wire_decode_begin(lua_State *L, const struct wire_bytes *in,
                       struct wire_decoder *decoder);

/* Pushes the next value; false when there is none any more. Raises as wire_decode. */
bool wire_decode_next(struct wire_decoder *decoder);

/* The metatable at `index` crosses by `name`: the receiver's own of that name is used. A
 * second one under the same name replaces the first. */
void wire_register_class(lua_State *L, const char *name, int index);

/* The table at `index` crosses by `name`: it arrives as the receiver's own of that name.
 * Classes and constants have separate names. */
void wire_register_constant(lua_State *L, const char *name, int index);

/* true when the message is a single Lua function whose upvalues are only the globals,
 * values that cross by name, and handles: decoding it again gives nothing new, so it may
 * be cached. For messages that wire_encode made; false for any other bytes. */
bool wire_is_plain(const struct wire_bytes *in);

#endif
