/* Inside of the decoder: what its files share.
 *
 * The bytes are input: every read is checked, and whatever is wrong is raised by
 * wire_invalid. */
#ifndef MC_WIRE_DECODE_H
#define MC_WIRE_DECODE_H

#include "wire/format.h"
#include "wire/wire.h"

/* Pushes the value of a message that is one string, as wire_decode_scalar; raises when
 * memory runs out. */
bool wire_decode_string(lua_State *L, const struct wire_bytes *in);

/* Pushes the next value. */
void wire_get_value(struct wire_decoder *decoder);

/* Each pushes the value whose tag, at `offset`, was just read. */
void wire_get_function(struct wire_decoder *decoder, bool shared, size_t offset);
void wire_get_named(struct wire_decoder *decoder);
void wire_get_registered(struct wire_decoder *decoder);
void wire_get_handle(struct wire_decoder *decoder);

/* Notes the value on top of the stack as the one whose tag is at `offset`. */
void wire_remember(struct wire_decoder *decoder, size_t offset);

/* Pushes what was noted at `offset`; raises when there is nothing. */
void wire_recall(struct wire_decoder *decoder, uint64_t offset);

/* A varint of any length; raises for one that does not fit 64 bits. */
uint64_t wire_get_long_varint(struct wire_decoder *decoder);

/* One level deeper: raises at WIRE_MAX_DEPTH, and makes room on the Lua stack. */
void wire_get_deeper(struct wire_decoder *decoder);

/* Raises `bytes are not a valid message: WHY at byte N`. */
_Noreturn void wire_invalid(struct wire_decoder *decoder, const char *why);

static inline size_t wire_left(const struct wire_decoder *decoder) {
  return (size_t)(decoder->end - decoder->at);
}

static inline unsigned wire_get_byte(struct wire_decoder *decoder) {
  if (decoder->at == decoder->end)
    wire_invalid(decoder, "truncated");
  return *decoder->at++;
}

static inline uint64_t wire_get_varint(struct wire_decoder *decoder) {
  if (decoder->at < decoder->end && *decoder->at <= 0x7f)
    return *decoder->at++;
  return wire_get_long_varint(decoder);
}

/* Passes over the next n bytes and returns them. */
static inline const unsigned char *wire_get_bytes(struct wire_decoder *decoder,
                                                  uint64_t n) {
  if (n > wire_left(decoder))
    wire_invalid(decoder, "truncated");
  const unsigned char *bytes = decoder->at;
  decoder->at += n;
  return bytes;
}

#endif
