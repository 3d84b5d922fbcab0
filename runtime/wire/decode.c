/* Reading values.
 *
 * Memory: a table is made as large as its head says, so heads must not promise more than
 * the input can hold, all of them together: every element needs a byte of its own, so
 * what is promised is added up and may not exceed the length. Lua stack: memo values...
 * and above them what is being read. */
#include "wire/decode.h"

#include <lauxlib.h>
#include <limits.h>

#define LEVEL_SLOTS 8 /* Lua stack that one level may use */

void wire_invalid(struct wire_decoder *decoder, const char *why) {
  luaL_error(decoder->L, "bytes are not a valid message: %s at byte %I", why,
             (LUAI_UACINT)(decoder->at - decoder->in->bytes));
  for (;;) { /* luaL_error does not return, and does not say so to the compiler */
  }
}

void wire_get_deeper(struct wire_decoder *decoder) {
  if (++decoder->depth > WIRE_MAX_DEPTH)
    wire_invalid(decoder, "nested too deeply");
  luaL_checkstack(decoder->L, LEVEL_SLOTS, "the message is nested too deeply");
}

uint64_t wire_get_long_varint(struct wire_decoder *decoder) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint64_t byte = wire_get_byte(decoder);
    if (shift == 63 && byte > 1)
      break;
    value |= (byte & 0x7f) << shift;
    if (byte <= 0x7f)
      return value;
  }
  wire_invalid(decoder, "a number too large");
}

void wire_remember(struct wire_decoder *decoder, size_t offset) {
  lua_State *L = decoder->L;
  if (lua_isnil(L, decoder->memo)) {
    lua_newtable(L);
    lua_replace(L, decoder->memo);
  }
  lua_pushvalue(L, -1);
  lua_rawseti(L, decoder->memo, (lua_Integer)offset);
}

void wire_recall(struct wire_decoder *decoder, uint64_t offset) {
  if (lua_isnil(decoder->L, decoder->memo) || offset > decoder->in->length ||
      lua_rawgeti(decoder->L, decoder->memo, (lua_Integer)offset) == LUA_TNIL)
    wire_invalid(decoder, "a reference to nothing");
}

static void claim(struct wire_decoder *decoder, size_t bytes) {
  decoder->claimed += bytes;
  if (decoder->claimed > decoder->in->length)
    wire_invalid(decoder, "a table larger than the message");
}

static void get_key(struct wire_decoder *decoder) {
  lua_State *L = decoder->L;
  unsigned tag = wire_left(decoder) ? *decoder->at : 0;
  wire_get_value(decoder);
  if (tag & (WIRE_SHORT_STRING | WIRE_SMALL_INTEGER))
    return;
  if (lua_isnil(L, -1))
    wire_invalid(decoder, "a nil key");
  if (lua_type(L, -1) == LUA_TNUMBER && !lua_rawequal(L, -1, -1))
    wire_invalid(decoder, "a NaN key");
}

static void get_pairs(struct wire_decoder *decoder, unsigned count) {
  for (;;) {
    for (unsigned i = 0; i < count; i++) {
      get_key(decoder);
      wire_get_value(decoder);
      lua_rawset(decoder->L, -3);
    }
    if (count < WIRE_PAIRS_MAX)
      return;
    count = wire_get_byte(decoder);
  }
}

static void get_table(struct wire_decoder *decoder, unsigned tag, size_t offset) {
  lua_State *L = decoder->L;
  wire_get_deeper(decoder);
  uint64_t n = wire_get_varint(decoder);
  unsigned pairs = wire_get_byte(decoder);
  if (n > wire_left(decoder) || n > INT_MAX)
    wire_invalid(decoder, "truncated");
  claim(decoder, (size_t)n + 2 * (size_t)pairs);
  lua_createtable(L, (int)n, (int)pairs);
  if (tag & WIRE_SHARED)
    wire_remember(decoder, offset);
  for (lua_Integer i = 1; i <= (lua_Integer)n; i++) {
    wire_get_value(decoder);
    lua_rawseti(L, -2, i);
  }
  get_pairs(decoder, pairs);
  if ((tag & ~(unsigned)WIRE_SHARED) == WIRE_CLASSED) {
    wire_get_value(decoder);
    if (!lua_istable(L, -1))
      wire_invalid(decoder, "a metatable that is not a table");
    lua_setmetatable(L, -2);
  }
  decoder->depth--;
}

static void get_scalar(struct wire_decoder *decoder, unsigned tag) {
  lua_State *L = decoder->L;
  switch (tag) {
  case WIRE_NIL:
    lua_pushnil(L);
    return;
  case WIRE_FALSE:
  case WIRE_TRUE:
    lua_pushboolean(L, tag == WIRE_TRUE);
    return;
  case WIRE_INTEGER: {
    uint64_t zigzag = wire_get_varint(decoder);
    lua_pushinteger(L, (lua_Integer)(zigzag >> 1 ^ (zigzag & 1 ? UINT64_MAX : 0)));
    return;
  }
  case WIRE_FLOAT: {
    lua_Number number;
    memcpy(&number, wire_get_bytes(decoder, sizeof number), sizeof number);
    lua_pushnumber(L, number);
    return;
  }
  case WIRE_STRING: {
    size_t n = (size_t)wire_get_varint(decoder);
    lua_pushlstring(L, (const char *)wire_get_bytes(decoder, n), n);
    return;
  }
  case WIRE_REF:
    wire_recall(decoder, wire_get_varint(decoder));
    return;
  case WIRE_GLOBALS:
    lua_pushglobaltable(L);
    return;
  case WIRE_NAMED:
    wire_get_named(decoder);
    return;
  case WIRE_REGISTERED:
    wire_get_registered(decoder);
    return;
  default:
    wire_invalid(decoder, "an unknown tag");
  }
}

void wire_get_value(struct wire_decoder *decoder) {
  lua_State *L = decoder->L;
  size_t offset = (size_t)(decoder->at - decoder->in->bytes);
  unsigned tag = wire_get_byte(decoder);
  if (tag & WIRE_SMALL_INTEGER) {
    lua_pushinteger(L, tag & WIRE_SMALL_MAX);
    return;
  }
  if (tag & WIRE_SHORT_STRING) {
    size_t n = tag & WIRE_SHORT_MAX;
    lua_pushlstring(L, (const char *)wire_get_bytes(decoder, n), n);
    return;
  }
  switch (tag & ~(unsigned)WIRE_SHARED) {
  case WIRE_TABLE:
  case WIRE_CLASSED:
    get_table(decoder, tag, offset);
    return;
  case WIRE_FUNCTION:
    wire_get_function(decoder, tag & WIRE_SHARED, offset);
    return;
  case WIRE_HANDLE:
    wire_get_handle(decoder);
    if (tag & WIRE_SHARED)
      wire_remember(decoder, offset);
    return;
  default:
    get_scalar(decoder, tag);
  }
}

void wire_decode_begin(lua_State *L, const struct wire_bytes *in,
                       struct wire_decoder *decoder) {
  luaL_checkstack(L, 1 + LEVEL_SLOTS, NULL);
  *decoder = (struct wire_decoder){
      .L = L, .in = in, .at = in->bytes, .end = in->bytes + in->length};
  lua_pushnil(L);
  decoder->memo = lua_gettop(L);
  decoder->left = wire_get_varint(decoder);
  if (decoder->left > wire_left(decoder) || decoder->left > INT_MAX - LEVEL_SLOTS)
    wire_invalid(decoder, "truncated");
}

bool wire_decode_next(struct wire_decoder *decoder) {
  if (decoder->left == 0) {
    if (decoder->at != decoder->end)
      wire_invalid(decoder, "something behind the last value");
    return false;
  }
  decoder->left--;
  wire_get_value(decoder);
  return true;
}

int wire_decode(lua_State *L, const struct wire_bytes *in) {
  struct wire_decoder decoder;
  luaL_checkstack(L, 1, NULL);
  if (wire_decode_scalar(L, in) || wire_decode_string(L, in))
    return 1;
  wire_decode_begin(L, in, &decoder);
  int count = (int)decoder.left;
  if (count > 1)
    luaL_checkstack(L, count + LEVEL_SLOTS, "too many values in a message");
  while (wire_decode_next(&decoder))
    ;
  if (count == 1)
    lua_replace(L, decoder.memo);
  else
    lua_remove(L, decoder.memo);
  return count;
}
