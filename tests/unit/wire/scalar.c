/* The short way for single small values: the same bytes and the same values as the long
 * one, and nothing at all for what it is not meant for. */
#include "fixture.h"

/* short_cross(v): v by the short way both times, or nil, "encode" or nil, "decode" where
 * it is none. */
static int short_cross(lua_State *L) {
  unsigned char room[WIRE_SCALAR_ROOM];
  struct wire_bytes shortly, fully;
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  lua_pushnil(L);
  if (!wire_encode_scalar(L, 1, room, &shortly)) {
    lua_pushliteral(L, "encode");
    return 2;
  }
  assert_true(shortly.length <= sizeof room);
  wire_encode(L, 1, 1, "item", &fully);
  assert_int_equal(shortly.length, fully.length);
  assert_memory_equal(shortly.bytes, fully.bytes, fully.length);
  assert_int_equal(shortly.n_refs, 0);
  assert_int_equal(lua_gettop(L), 2);
  if (!wire_decode_scalar(L, &shortly)) {
    assert_int_equal(lua_gettop(L), 2);
    lua_pushliteral(L, "decode");
    return 2;
  }
  assert_int_equal(lua_gettop(L), 3);
  return 1;
}

/* long_parts(v): how many bytes lie before the string's own in its message, or nil */
static int long_parts(lua_State *L) {
  unsigned char room[WIRE_SCALAR_ROOM];
  struct wire_bytes head, fully;
  size_t n = 0;
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  const char *text = wire_encode_string(L, 1, room, &head, &n);
  assert_int_equal(lua_gettop(L), 1);
  lua_pushnil(L);
  if (!text)
    return 1;
  assert_ptr_equal(text, lua_tostring(L, 1));
  wire_encode(L, 1, 1, "item", &fully);
  assert_int_equal(head.length + n, fully.length);
  assert_memory_equal(head.bytes, fully.bytes, head.length);
  assert_memory_equal(text, fully.bytes + head.length, n);
  assert_int_equal(head.n_refs, 0);
  lua_pushinteger(L, (lua_Integer)head.length);
  return 1;
}

/* short_from(text): the value of those bytes, or nil, "none" */
static int short_from(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  unsigned char *exact = test_malloc(n + !n); /* a sanitizer sees a read behind it */
  memcpy(exact, text, n);
  struct wire_bytes in = {exact, n, NULL, 0};
  lua_settop(L, 1);
  bool is = wire_decode_scalar(L, &in);
  test_free(exact);
  assert_int_equal(lua_gettop(L), is ? 2 : 1);
  if (is)
    return 1;
  lua_pushnil(L);
  lua_pushliteral(L, "none");
  return 2;
}

static void run(const char *code) {
  lua_State *L = fixture_state(NULL, NULL);
  lua_register(L, "short_cross", short_cross);
  lua_register(L, "short_from", short_from);
  lua_register(L, "long_parts", long_parts);
  if (luaL_dostring(L, code) != LUA_OK)
    fail_msg("%s", lua_tostring(L, -1));
  lua_close(L);
}

static void scalars(void **state) {
  (void)state;
  run("for _, v in ipairs{true, false, 0, 1, 127, 128, -1, -64, -65, 1 << 31, 1 << 53,\n"
      "    0.0, 1.0, -1.5, 1e300, 5e-324, math.huge, -math.huge, 2^53} do\n"
      "  local got, why = short_cross(v)\n"
      "  assert(why == nil and rawequal(got, v) and math.type(got) == math.type(v), v)\n"
      "end\n"
      "assert(select('#', short_cross(nil)) == 1)\n"
      "assert(1 / short_cross(-0.0) == -math.huge)\n"
      "assert(string.pack('d', short_cross(0 / 0)) == string.pack('d', 0 / 0))\n"
      "for shift = 0, 63 do\n"
      "  for _, v in ipairs{1 << shift, ~(1 << shift), (1 << shift) - 1} do\n"
      "    local got, why = short_cross(v)\n"
      "    assert(got == v or why == 'decode' and cross(v) == v, v)\n"
      "  end\n"
      "end\n");
}

static void strings(void **state) {
  (void)state;
  run("for n = 0, 300 do\n"
      "  local text = ('\\0\\255x'):rep(100):sub(1, n)\n"
      "  local got, why = short_cross(text)\n"
      "  assert(got == nil and why == (n <= 244 and 'decode' or 'encode'), n)\n"
      "  assert(cross(text) == text)\n"
      "end\n");
}

static void long_strings(void **state) {
  (void)state;
  run("for n = 0, 300 do\n"
      "  local text = ('\\0\\255x'):rep(100):sub(1, n)\n"
      "  assert(long_parts(text) == (n > 63 and (n < 128 and 3 or 4) or nil), n)\n"
      "end\n"
      "assert(long_parts(('x'):rep(1 << 21)) == 6)\n"
      "for _, v in ipairs{1, 1 << 60, true, {}, print} do assert(not long_parts(v)) "
      "end\n");
}

static void others(void **state) {
  (void)state;
  run("for _, v in ipairs{{}, print, function() end, handle(1), "
      "coroutine.create(print),\n"
      "    io.stdout} do\n"
      "  assert(select(2, short_cross(v)) == 'encode')\n"
      "end\n"
      "for _, text in ipairs{'', bytes(), bytes(1, 2), bytes(nil, nil), bytes{}, \n"
      "    bytes'x', bytes(handle(1)), bytes(print)} do\n"
      "  assert(select(2, short_from(text)) == 'none')\n"
      "end\n");
}

/* Every message of a byte more or less, and every pair of bytes. */
static void damage(void **state) {
  (void)state;
  run("for _, v in ipairs{1, 128, math.maxinteger, 1 << 60, 1.5, true, 'text'} do\n"
      "  local text = bytes(v)\n"
      "  for n = 0, #text - 1 do\n"
      "    assert(select(2, short_from(text:sub(1, n))) == 'none')\n"
      "    assert(not pcall(from, text:sub(1, n)))\n"
      "  end\n"
      "  assert(select(2, short_from(text .. '\\0')) == 'none')\n"
      "  assert(not pcall(from, text .. '\\0'))\n"
      "end\n"
      "for tag = 0, 255 do\n"
      "  local text = '\\1' .. string.char(tag)\n"
      "  local got, why = short_from(text)\n"
      "  local fine, fully = pcall(from, text)\n"
      "  assert(why == 'none' or fine and got == fully, tag)\n"
      "end\n"
      "assert(select(2, short_from('\\1\\4' .. ('\\128'):rep(20))) == 'none')\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scalars),      cmocka_unit_test(strings),
      cmocka_unit_test(long_strings), cmocka_unit_test(others),
      cmocka_unit_test(damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
