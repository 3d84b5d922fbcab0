/* Is a message a function that is always the same? Reads the bytes without making
 * anything. */
#include "wire/format.h"
#include "wire/wire.h"

struct cursor {
  const unsigned char *at;
  const unsigned char *end;
};

static bool skip(struct cursor *cursor, uint64_t n) {
  if (n > (size_t)(cursor->end - cursor->at))
    return false;
  cursor->at += n;
  return true;
}

/* -1 at the end */
static int next(struct cursor *cursor) {
  return cursor->at < cursor->end ? *cursor->at++ : -1;
}

static bool get_varint(struct cursor *cursor, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    int byte = next(cursor);
    if (byte < 0)
      return false;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte <= 0x7f)
      return true;
  }
  return false;
}

/* A string or an integer: what names are made of. */
static bool skip_key(struct cursor *cursor) {
  int tag = next(cursor);
  uint64_t n;
  if (tag < 0)
    return false;
  if (tag & WIRE_SMALL_INTEGER)
    return true;
  if (tag & WIRE_SHORT_STRING)
    return skip(cursor, (unsigned)tag & WIRE_SHORT_MAX);
  if (tag == WIRE_INTEGER)
    return get_varint(cursor, &n);
  return tag == WIRE_STRING && get_varint(cursor, &n) && skip(cursor, n);
}

static bool skip_names(struct cursor *cursor, int keys) {
  for (; keys > 0; keys--)
    if (!skip_key(cursor))
      return false;
  return keys == 0;
}

/* One upvalue that is the same at every decoding; the function itself, at offset 1, is.
 */
static bool skip_upvalue(struct cursor *cursor) {
  uint64_t value;
  if ((next(cursor) & ~WIRE_SHARED) != WIRE_UPVALUE)
    return false;
  switch (next(cursor)) {
  case WIRE_GLOBALS:
    return true;
  case WIRE_REGISTERED:
    return skip_key(cursor);
  case WIRE_NAMED: /* the module's name, then the keys */
    return skip_names(cursor, next(cursor) + 1);
  case WIRE_HANDLE:
  case WIRE_HANDLE | WIRE_SHARED:
    return get_varint(cursor, &value);
  case WIRE_REF:
    return get_varint(cursor, &value) && value == 1;
  default:
    return false;
  }
}

bool wire_is_plain(const struct wire_bytes *in) {
  struct cursor cursor = {in->bytes, in->bytes + in->length};
  if (next(&cursor) != 1 || (next(&cursor) & ~WIRE_SHARED) != WIRE_FUNCTION)
    return false;
  uint32_t n;
  if ((size_t)(cursor.end - cursor.at) < WIRE_CODE_HEAD)
    return false;
  memcpy(&n, cursor.at, sizeof n);
  if (!skip(&cursor, WIRE_CODE_HEAD) || !skip(&cursor, n))
    return false;
  int upvalues = next(&cursor);
  for (int i = 0; i < upvalues; i++)
    if (!skip_upvalue(&cursor))
      return false;
  return upvalues >= 0 && cursor.at == cursor.end;
}
