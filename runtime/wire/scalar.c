/* The shortest way for what is sent most: one value that has no identity and leads
 * nowhere. */
#include "wire/decode.h"
#include "wire/encode.h"

#define STRING_MAX (WIRE_SCALAR_ROOM - 2 - WIRE_VARINT_MAX)

bool wire_encode_scalar(lua_State *L, int index, unsigned char *room,
                        struct wire_bytes *out) {
  unsigned char *to = room;
  *to++ = 1; /* value */
  switch (lua_type(L, index)) {
  case LUA_TNUMBER:
    to = lua_isinteger(L, index) ? wire_write_integer(to, lua_tointeger(L, index))
                                 : wire_write_float(to, lua_tonumber(L, index));
    break;
  case LUA_TSTRING: {
    size_t n;
    const char *bytes = lua_tolstring(L, index, &n);
    if (n > STRING_MAX)
      return false;
    to = wire_write_string(to, bytes, n);
    break;
  }
  case LUA_TBOOLEAN:
    *to++ = lua_toboolean(L, index) ? WIRE_TRUE : WIRE_FALSE;
    break;
  case LUA_TNIL:
    *to++ = WIRE_NIL;
    break;
  default:
    return false;
  }
  *out = (struct wire_bytes){room, (size_t)(to - room), NULL, 0};
  return true;
}

const char *wire_encode_string(lua_State *L, int index, unsigned char *room,
                               struct wire_bytes *out, size_t *n) {
  if (lua_type(L, index) != LUA_TSTRING)
    return NULL;
  size_t length;
  const char *bytes = lua_tolstring(L, index, &length);
  if (length <= WIRE_SHORT_MAX)
    return NULL;
  unsigned char *to = room;
  *to++ = 1; /* value */
  *to++ = WIRE_STRING;
  to = wire_varint(to, length);
  *n = length;
  *out = (struct wire_bytes){room, (size_t)(to - room), NULL, 0};
  return bytes;
}

/* The number at *at, which is moved behind it. false for one that ends nowhere, or is
 * longer than nearly all are. */
static bool read_varint(const unsigned char **at, const unsigned char *end,
                        uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; shift < 63 && *at < end; shift += 7) {
    unsigned byte = *(*at)++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte <= 0x7f)
      return true;
  }
  return false;
}

/* One value, of at least its tag. */
static bool is_single(const struct wire_bytes *in) {
  return in->length >= 2 && in->bytes[0] == 1;
}

/* A value that is all in its tag. */
static bool push_tag(lua_State *L, unsigned tag) {
  if (tag & WIRE_SMALL_INTEGER)
    lua_pushinteger(L, tag & WIRE_SMALL_MAX);
  else if (tag == WIRE_TRUE || tag == WIRE_FALSE)
    lua_pushboolean(L, tag == WIRE_TRUE);
  else if (tag == WIRE_NIL)
    lua_pushnil(L);
  else
    return false;
  return true;
}

bool wire_decode_scalar(lua_State *L, const struct wire_bytes *in) {
  if (!is_single(in))
    return false;
  unsigned tag = in->bytes[1];
  if (in->length == 2)
    return push_tag(L, tag);
  const unsigned char *at = in->bytes + 2, *end = in->bytes + in->length;
  uint64_t zigzag;
  lua_Number number;
  if (tag == WIRE_INTEGER) {
    if (!read_varint(&at, end, &zigzag) || at != end)
      return false;
    lua_pushinteger(L, (lua_Integer)(zigzag >> 1 ^ (zigzag & 1 ? UINT64_MAX : 0)));
    return true;
  }
  if (tag != WIRE_FLOAT || in->length != 2 + sizeof number)
    return false;
  memcpy(&number, at, sizeof number);
  lua_pushnumber(L, number);
  return true;
}

bool wire_decode_string(lua_State *L, const struct wire_bytes *in) {
  if (!is_single(in))
    return false;
  unsigned tag = in->bytes[1];
  const unsigned char *at = in->bytes + 2, *end = in->bytes + in->length;
  uint64_t n;
  if (tag & WIRE_SMALL_INTEGER)
    return false;
  if (tag & WIRE_SHORT_STRING)
    n = tag & WIRE_SHORT_MAX;
  else if (tag != WIRE_STRING || !read_varint(&at, end, &n))
    return false;
  if (n != (size_t)(end - at))
    return false;
  lua_pushlstring(L, (const char *)at, n);
  return true;
}
