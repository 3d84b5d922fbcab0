/* Which messages give the same function at every decoding. */
#include "fixture.h"

#include "wire/format.h"

static void plain(void **state) {
  (void)state;
  run_script(
      "local fmt, str, h = string.format, string, handle(7)\n"
      "local long = ('m'):rep(100)\n"
      "package.loaded[long] = {[-300] = {coroutine.resume}}\n"
      "local resume = coroutine.resume\n"
      "coroutine.resume = nil\n"
      "Class = {}\n"
      "class('Class', Class)\n"
      "local class_, g = Class, _G\n"
      "assert(is_plain(function() end))\n"
      "assert(is_plain(function(x) return x + 1 end))\n"
      "assert(is_plain(function() return print end))\n"
      "assert(is_plain(function() return fmt, str, h, print, class_, g, resume end))\n"
      "local function again(n) return n == 0 or again(n - 1) end\n"
      "assert(is_plain(again))\n");
}

static void not_plain(void **state) {
  (void)state;
  run_script("local n, t = 1, {}\n"
             "assert(not is_plain(function() return n end))\n"
             "assert(not is_plain(function() return t end))\n"
             "assert(not is_plain(function() n = n + 1 return print, n end))\n"
             "local function f() return t end\n"
             "assert(not is_plain(function() return f end))\n"
             "assert(not is_plain(1) and not is_plain(t) and not is_plain(print))\n"
             "assert(not is_plain(function() end, 1) and not is_plain())\n");
}

static void other_bytes(void **state) {
  (void)state;
  lua_State *L = fixture_state(NULL, NULL);
  assert_int_equal(luaL_dostring(L, "local f, h = string.format, handle(1)\n"
                                    "return function() return f, h, print end"),
                   LUA_OK);
  struct wire_bytes out;
  wire_encode(L, 1, 1, "item", &out);
  assert_true(wire_is_plain(&out));
  for (size_t n = 0; n < out.length; n++) {
    unsigned char *cut = test_malloc(n + !n);
    memcpy(cut, out.bytes, n);
    struct wire_bytes in = {cut, n, NULL, 0};
    assert_false(wire_is_plain(&in));
    test_free(cut);
  }
  /* No code, and a handle whose index never ends. */
  static const unsigned char endless[] = {0x01,        WIRE_FUNCTION,
                                          0,           0,
                                          0,           0,
                                          0,           0,
                                          0,           0,
                                          0,           0,
                                          0,           0,
                                          0x01,        WIRE_UPVALUE,
                                          WIRE_HANDLE, 0xff,
                                          0xff,        0xff,
                                          0xff,        0xff,
                                          0xff,        0xff,
                                          0xff,        0xff,
                                          0xff,        1};
  struct wire_bytes in = {endless, sizeof endless, NULL, 0};
  assert_false(wire_is_plain(&in));
  lua_close(L);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain),
      cmocka_unit_test(not_plain),
      cmocka_unit_test(other_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
