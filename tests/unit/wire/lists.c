/* A part of a list as a message, and messages that are read value by value. */
#include "fixture.h"

/* list, first, last, number of the first -> the elements, each decoded by itself */
static int cross_list(lua_State *L) {
  struct wire_bytes out;
  struct wire_decoder decoder;
  wire_encode_list(L, 1, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3), "list",
                   luaL_optinteger(L, 4, 1), &out);
  lua_settop(L, 0);
  lua_pushlstring(L, (const char *)out.bytes, out.length);
  struct wire_bytes in = {(const void *)lua_tostring(L, 1), out.length, NULL, 0};
  wire_decode_begin(L, &in, &decoder);
  luaL_checkstack(L, (int)decoder.left, NULL);
  uint64_t left = decoder.left;
  while (wire_decode_next(&decoder))
    assert_int_equal(decoder.left, --left);
  assert_int_equal(left, 0);
  return lua_gettop(L) - 2;
}

static void run_list_script(const char *script) {
  lua_State *L = fixture_state(NULL, NULL);
  lua_register(L, "cross_list", cross_list);
  if (luaL_dostring(L, script))
    fail_msg("%s", lua_tostring(L, -1));
  lua_close(L);
}

static void parts(void **state) {
  (void)state;
  run_list_script(
      "local function same(expected, ...)\n"
      "  local found = table.pack(...)\n"
      "  assert(found.n == expected.n)\n"
      "  for i = 1, expected.n do assert(found[i] == expected[i]) end\n"
      "end\n"
      "local list = {1, 'two', 3.5, false, nil, true}\n"
      "same({n = 6, 1, 'two', 3.5, false, nil, true}, cross_list(list, 1, 6))\n"
      "same({n = 2, 'two', 3.5}, cross_list(list, 2, 3))\n"
      "same({n = 3, nil, true, nil}, cross_list(list, 5, 7))\n"
      "same({n = 0}, cross_list(list, 1, 0))\n"
      "local long = {}\n"
      "for i = 1, 1000 do long[i] = i end\n"
      "same({n = 1000, table.unpack(long)}, cross_list(long, 1, 1000))\n");
}

static void shared_elements(void **state) {
  (void)state;
  run_list_script("local t = {}\n"
                  "local a, b, c = cross_list({t, {t}, t}, 1, 3)\n"
                  "assert(a == c and b[1] == a and a ~= t)\n"
                  "t.self = t\n"
                  "a = cross_list({t}, 1, 1)\n"
                  "assert(a.self == a)\n");
}

static void refused_elements(void **state) {
  (void)state;
  run_list_script("local ok, err = pcall(cross_list, {1, 2, {x = io.stdout}}, 2, 3, 2)\n"
                  "assert(not ok)\n"
                  "assert(err == 'cannot send a FILE* (at list[3].x)', err)\n"
                  "ok, err = pcall(cross_list, {1, io.stdout}, 1, 2, -7)\n"
                  "assert(err == 'cannot send a FILE* (at list[-6])', err)\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts),
      cmocka_unit_test(shared_elements),
      cmocka_unit_test(refused_elements),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
