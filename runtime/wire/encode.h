/* Inside of the encoder: what its files share.
 *
 * Functions that write a value return false for "start again": see wire_enter_names in
 * names.h. All raise for values that can't be sent and when memory runs out. None runs
 * Lua code or starts a collection. */
#ifndef MC_WIRE_ENCODE_H
#define MC_WIRE_ENCODE_H

#include "wire/format.h"
#include "wire/state.h"

struct wire_encoder {
  lua_State *L;
  struct wire_state *state;
  int self; /* stack index of the state's userdata */
  int depth;
  bool names;         /* tables and functions may cross by name: see names.h */
  uint64_t signature; /* of package.loaded, once names is set */
  const char *name;   /* of the root, for refusals */
  bool numbered;      /* roots are name[n] */
};

/* How the encoder came to a value: a chain on the C stack, from the value up to its root.
 */
struct wire_step {
  const struct wire_step *up; /* NULL for a root */
  enum {
    WIRE_STEP_ROOT,
    WIRE_STEP_FIELD,     /* the value under the key at stack index `at` */
    WIRE_STEP_KEY,       /* a key */
    WIRE_STEP_ELEMENT,   /* the value at integer key `number` */
    WIRE_STEP_METATABLE, /* the metatable */
    WIRE_STEP_UPVALUE    /* upvalue `number` of the function at stack index `at` */
  } kind;
  int at;
  lua_Integer number;
};

bool wire_put_value(struct wire_encoder *encoder, int at, const struct wire_step *step);
bool wire_put_function(struct wire_encoder *encoder, int at,
                       const struct wire_step *step);

/* One level deeper: raises at WIRE_MAX_DEPTH, and makes room on the Lua stack. */
void wire_descend(struct wire_encoder *encoder);

/* Writes a REF or UPREF to what lies at `offset`, and marks that as shared. */
void wire_put_ref(struct wire_encoder *encoder, enum wire_tag tag, uint32_t offset);

static inline unsigned char *wire_room(struct wire_encoder *encoder, size_t n) {
  struct wire_state *state = encoder->state;
  if (state->capacity - state->length < n)
    wire_state_grow(encoder->L, state, n);
  return state->bytes + state->length;
}

/* What has been written up to `end`, in the room that was asked for, belongs to the
 * message. */
static inline void wire_written(struct wire_encoder *encoder, const unsigned char *end) {
  encoder->state->length = (size_t)(end - encoder->state->bytes);
}

static inline void wire_put_byte(struct wire_encoder *encoder, unsigned byte) {
  *wire_room(encoder, 1) = (unsigned char)byte;
  encoder->state->length++;
}

static inline void wire_put_tagged(struct wire_encoder *encoder, enum wire_tag tag,
                                   uint64_t value) {
  unsigned char *to = wire_room(encoder, 1 + WIRE_VARINT_MAX);
  *to = (unsigned char)tag;
  wire_written(encoder, wire_varint(to + 1, value));
}

/* These write where there is room, and return the byte behind. */

static inline unsigned char *wire_write_string(unsigned char *to, const char *bytes,
                                               size_t n) {
  if (n <= WIRE_SHORT_MAX) {
    *to++ = (unsigned char)(WIRE_SHORT_STRING | n);
  } else {
    *to++ = WIRE_STRING;
    to = wire_varint(to, n);
  }
  memcpy(to, bytes, n);
  return to + n;
}

static inline unsigned char *wire_write_integer(unsigned char *to, lua_Integer value) {
  if (value >= 0 && value <= WIRE_SMALL_MAX) {
    *to++ = (unsigned char)(WIRE_SMALL_INTEGER | (unsigned)value);
    return to;
  }
  *to++ = WIRE_INTEGER; /* zigzag: small negative numbers stay short */
  return wire_varint(to, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static inline unsigned char *wire_write_float(unsigned char *to, lua_Number value) {
  *to++ = WIRE_FLOAT;
  memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

static inline void wire_put_string(struct wire_encoder *encoder, const char *bytes,
                                   size_t n) {
  unsigned char *to = wire_room(encoder, n + 1 + WIRE_VARINT_MAX);
  wire_written(encoder, wire_write_string(to, bytes, n));
}

static inline void wire_put_integer(struct wire_encoder *encoder, lua_Integer value) {
  unsigned char *to = wire_room(encoder, 1 + WIRE_VARINT_MAX);
  wire_written(encoder, wire_write_integer(to, value));
}

#endif
