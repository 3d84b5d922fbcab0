/* The bytes of a message. Made and read by processes of one program: numbers are in the
 * machine's own order, and there is no version.
 *
 *   message   count(varint) value*
 *   value     1vvvvvvv                              integer 0 ... 127
 *             01nnnnnn bytes[n]                     string of less than 64 bytes
 *             NIL | FALSE | TRUE | GLOBALS
 *             INTEGER varint(zigzag) | FLOAT f64 | STRING varint(n) bytes[n]
 *             TABLE body | CLASSED body value       the metatable comes last
 *             FUNCTION u32(n) u64(checksum) code[n] u8(upvalues) upvalue*
 *             NAMED u8(keys) value(module) value*   package.loaded[module][key][key]
 *             REGISTERED value(string)              a class or constant
 *             HANDLE varint                         index into the list of references
 *             REF varint                            the value whose tag is at that offset
 *   body      varint(n) u8(pairs) value*n (value value)*pairs, and after 255 pairs once
 * more u8(pairs) (value value)*pairs ... upvalue   UPVALUE value | UPREF varint the cell
 * whose tag is at that offset
 *
 * Invariant: what a REF or UPREF leads to comes before it and has SHARED set in its tag.
 * The encoder sets the bit when it meets the second use, so a message without sharing
 * costs its decoder nothing. */
#ifndef MC_WIRE_FORMAT_H
#define MC_WIRE_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum wire_tag {
  WIRE_NIL = 0x01,
  WIRE_FALSE,
  WIRE_TRUE,
  WIRE_INTEGER,
  WIRE_FLOAT,
  WIRE_STRING,
  WIRE_TABLE,
  WIRE_CLASSED,
  WIRE_FUNCTION,
  WIRE_NAMED,
  WIRE_REGISTERED,
  WIRE_GLOBALS,
  WIRE_HANDLE,
  WIRE_REF,
  WIRE_UPVALUE,
  WIRE_UPREF,
  WIRE_SHARED = 0x20,       /* flag of TABLE, CLASSED, FUNCTION, HANDLE, UPVALUE */
  WIRE_SHORT_STRING = 0x40, /* flag; the length in the bits below */
  WIRE_SMALL_INTEGER = 0x80 /* flag; the value in the bits below */
};

#define WIRE_SHORT_MAX  63  /* bytes of a short string */
#define WIRE_SMALL_MAX  127 /* of a small integer */
#define WIRE_PAIRS_MAX  255 /* pairs of a chunk; a full chunk is followed by another */
#define WIRE_VARINT_MAX 10  /* bytes of a varint */
#define WIRE_CODE_HEAD  12  /* bytes of a function's length and checksum */

/* What a registered name begins with on the wire. */
#define WIRE_CLASS_NAME    'c'
#define WIRE_CONSTANT_NAME 'k'

/* Writes 7 bits a byte, lowest first; returns the byte behind. */
static inline unsigned char *wire_varint(unsigned char *to, uint64_t value) {
  while (value > 0x7f) {
    *to++ = (unsigned char)(value | 0x80);
    value >>= 7;
  }
  *to++ = (unsigned char)value;
  return to;
}

/* Every step is invertible, so any change within one word of eight bytes is seen. */
static inline uint64_t wire_checksum(const unsigned char *bytes, size_t n) {
  const uint64_t prime = 0x9e3779b97f4a7c15u;
  uint64_t sum = (uint64_t)n * prime ^ 0x6d6f6f6e63726577u;
  for (; n >= 8; n -= 8, bytes += 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    sum = (sum ^ word) * prime;
    sum ^= sum >> 29;
  }
  uint64_t rest = 0;
  memcpy(&rest, bytes, n);
  sum = (sum ^ rest) * prime;
  return sum ^ sum >> 32;
}

#endif
