/* Reading functions: code that the checksum vouches for, then the upvalues. */
#include "wire/decode.h"

#include <lauxlib.h>

static void get_code(struct wire_decoder *decoder) {
  uint32_t n;
  uint64_t sum;
  memcpy(&n, wire_get_bytes(decoder, sizeof n), sizeof n);
  memcpy(&sum, wire_get_bytes(decoder, sizeof sum), sizeof sum);
  const unsigned char *code = wire_get_bytes(decoder, n);
  if (wire_checksum(code, n) != sum)
    wire_invalid(decoder, "damaged code");
  if (luaL_loadbufferx(decoder->L, (const char *)code, n, "=message", "b") != LUA_OK)
    lua_error(decoder->L);
}

/* A cell is noted as its first owner, at the offset, and which upvalue of that it is, at
 * minus the offset. */
static void remember_cell(struct wire_decoder *decoder, int function, int number,
                          size_t offset) {
  lua_State *L = decoder->L;
  lua_pushvalue(L, function);
  wire_remember(decoder, offset);
  lua_pop(L, 1);
  lua_pushinteger(L, number);
  lua_rawseti(L, decoder->memo, -(lua_Integer)offset);
}

static void join_cell(struct wire_decoder *decoder, int function, int number) {
  lua_State *L = decoder->L;
  uint64_t offset = wire_get_varint(decoder);
  wire_recall(decoder, offset);
  if (lua_rawgeti(L, decoder->memo, -(lua_Integer)offset) != LUA_TNUMBER)
    wire_invalid(decoder, "a reference to something that is not an upvalue");
  lua_upvaluejoin(L, function, number, -2, (int)lua_tointeger(L, -1));
  lua_pop(L, 2);
}

static void get_upvalue(struct wire_decoder *decoder, int function, int number) {
  lua_State *L = decoder->L;
  size_t offset = (size_t)(decoder->at - decoder->in->bytes);
  unsigned tag = wire_get_byte(decoder);
  if (!lua_getupvalue(L, function, number))
    wire_invalid(decoder, "more upvalues than the function has");
  lua_pop(L, 1);
  switch (tag) {
  case WIRE_UPREF:
    join_cell(decoder, function, number);
    return;
  case WIRE_UPVALUE |
      WIRE_SHARED: /* before the value: that may contain the cell's owner */
    remember_cell(decoder, function, number, offset);
    break;
  case WIRE_UPVALUE:
    break;
  default:
    wire_invalid(decoder, "an unknown tag");
  }
  wire_get_value(decoder);
  lua_setupvalue(L, function, number);
}

void wire_get_function(struct wire_decoder *decoder, bool shared, size_t offset) {
  lua_State *L = decoder->L;
  wire_get_deeper(decoder);
  get_code(decoder);
  if (shared)
    wire_remember(decoder, offset);
  int function = lua_gettop(L);
  int upvalues = (int)wire_get_byte(decoder);
  for (int number = 1; number <= upvalues; number++)
    get_upvalue(decoder, function, number);
  if (lua_getupvalue(L, function, upvalues + 1))
    wire_invalid(decoder, "fewer upvalues than the function has");
  decoder->depth--;
}
