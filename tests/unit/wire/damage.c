/* Bytes that are not a message: cut short, changed, or made up. Each raises or gives some
 * value; none crashes, hangs or takes much memory. */
#include "fixture.h"

#include "wire/format.h"

/* One good message of each kind. Code that is sent must be small: every byte is changed.
 */
static const char *const good[] = {
    "return 1, -1, 300, -70000, math.mininteger, 1.5, 0/0, true, false, nil",
    "return 'short', ('long'):rep(40), ''",
    "return {1, 2, 3, nil, 5, x = 1, y = {z = 'deep', [2.5] = true, [{}] = 1}}",
    "local s = {1} local t = {s, s, a = s} t.self = t return t, s",
    "return setmetatable({1}, {__index = {2}})",
    "local n = 0 return function() n = n + 1 end, function() return n, print end",
    "local function f(n) return n < 2 and n or f(n - 1) end return f, {f}",
    "return print, string.format, string, _G, Class, setmetatable({}, Class), Constant",
    "local h = handle(7) return h, {h}",
    "local t = {} for i = 1, 260 do t['k' .. i] = i end return t",
};

#define GOOD (sizeof good / sizeof *good)

struct message {
  unsigned char *bytes;
  size_t length;
};

static lua_State *damage_state(void) {
  lua_State *L = fixture_state(NULL, NULL);
  assert_int_equal(luaL_dostring(L,
                                 "package.path, package.cpath = '', ''\n"
                                 "Class, Constant = {}, {}\n"
                                 "class('Class', Class) constant('Constant', Constant)"),
                   0);
  return L;
}

static struct message make(lua_State *L, const char *code) {
  assert_int_equal(luaL_dostring(L, code), LUA_OK);
  struct wire_bytes out;
  wire_encode(L, 1, lua_gettop(L), "item", &out);
  struct message message = {test_malloc(out.length), out.length};
  memcpy(message.bytes, out.bytes, out.length);
  lua_settop(L, 0);
  return message;
}

static int decode(lua_State *L) {
  static const uint32_t refs[] = {7};
  const struct message *message = lua_touserdata(L, 1);
  struct wire_bytes in = {message->bytes, message->length, refs, 1};
  return wire_decode(L, &in);
}

/* Decodes; the error or the values are on the stack. */
static int try(lua_State *L, const struct message *message) {
  lua_settop(L, 0);
  lua_pushcfunction(L, decode);
  lua_pushlightuserdata(L, (void *)(uintptr_t)message);
  return lua_pcall(L, 1, LUA_MULTRET, 0);
}

/* The bytes end where the allocation ends, so that a sanitizer sees a read behind them.
 */
static void every_truncation(void **state) {
  (void)state;
  lua_State *L = damage_state();
  for (size_t i = 0; i < GOOD; i++) {
    struct message whole = make(L, good[i]);
    for (size_t n = 0; n < whole.length; n++) {
      struct message cut = {test_malloc(n + !n), n};
      memcpy(cut.bytes, whole.bytes, n);
      if (try(L, &cut) == LUA_OK)
        fail_msg("message %zu cut to %zu bytes was taken", i, n);
      test_free(cut.bytes);
    }
    assert_int_equal(try(L, &whole), LUA_OK);
    test_free(whole.bytes);
  }
  lua_close(L);
}

static void every_changed_byte(void **state) {
  (void)state;
  lua_State *L = damage_state();
  size_t refused = 0;
  for (size_t i = 0; i < GOOD; i++) {
    struct message message = make(L, good[i]);
    for (size_t at = 0; at < message.length; at++) {
      unsigned char before = message.bytes[at];
      for (unsigned change = 1; change<256; change += message.length> 400 ? 23 : 1) {
        message.bytes[at] = (unsigned char)(before ^ change);
        if (try(L, &message) != LUA_OK) {
          assert_int_equal(lua_type(L, -1), LUA_TSTRING);
          refused++;
        }
      }
      message.bytes[at] = before;
    }
    assert_int_equal(try(L, &message), LUA_OK);
    test_free(message.bytes);
  }
  assert_true(refused > 1000);
  lua_close(L);
}

/* Every change of the code is caught by its checksum, before Lua sees it. */
static void changed_code(void **state) {
  (void)state;
  lua_State *L = damage_state();
  struct message message = make(L, "return function(a) return a + 1 end");
  uint32_t n;
  memcpy(&n, message.bytes + 2, sizeof n);
  for (uint32_t at = 6; at < 2 + WIRE_CODE_HEAD + n; at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      message.bytes[at] ^= (unsigned char)(1u << bit);
      assert_int_equal(try(L, &message), LUA_ERRRUN);
      assert_non_null(strstr(lua_tostring(L, -1), "damaged code"));
      message.bytes[at] ^= (unsigned char)(1u << bit);
    }
  }
  test_free(message.bytes);
  lua_close(L);
}

struct made_up {
  const char *bytes;
  size_t length;
  const char *error;
};

#define INVALID "bytes are not a valid message: "
#define CASE(text, err)                                                                  \
  { (text), sizeof(text) - 1, (err) }

static void made_up(void **state) {
  (void)state;
  static const struct made_up cases[] = {
      CASE("", INVALID "truncated at byte 0"),
      CASE("\x01", INVALID "truncated at byte 1"),
      CASE("\x03\x01\x01", INVALID "truncated at byte 1"),
      CASE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01",
           INVALID "truncated at byte 10"),
      CASE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
           INVALID "a number too large at byte 10"),
      CASE("\x01\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
           INVALID "a number too large at byte 12"),
      CASE("\x00\x01", INVALID "something behind the last value at byte 1"),
      CASE("\x01\x01\x01", INVALID "something behind the last value at byte 2"),
      CASE("\x01\x00", INVALID "an unknown tag at byte 2"),
      CASE("\x01\x1f", INVALID "an unknown tag at byte 2"),
      CASE("\x01\x0f\x01", INVALID "an unknown tag at byte 2"), /* a cell is no value */
      CASE("\x01\x06\xff\xff\x03zz", INVALID "truncated at byte 5"),
      CASE("\x01\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01z",
           INVALID "truncated at byte 12"),
      CASE("\x01\x07\x05\x00\x01\x01", INVALID "truncated at byte 4"),
      CASE("\x01\x07\x00\x01\x01\x01", INVALID "a nil key at byte 5"),
      CASE("\x01\x07\x00\x01\x05\x00\x00\x00\x00\x00\x00\xf8\x7f\x01",
           INVALID "a NaN key at byte 13"),
      CASE("\x01\x07\x00\x09\x01\x01",
           INVALID "a table larger than the message at byte 4"),
      CASE("\x01\x08\x00\x00\x81", INVALID "a metatable that is not a table at byte 5"),
      CASE("\x01\x0e\x01", INVALID "a reference to nothing at byte 3"),
      CASE("\x02\x27\x00\x00\x0e\x02", INVALID "a reference to nothing at byte 6"),
      CASE("\x02\x27\x00\x00\x0e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
           INVALID "a reference to nothing at byte 15"),
      CASE("\x01\x0d\x01", INVALID "a reference that is not listed at byte 3"),
      CASE("\x01\x0a\x00\x81", INVALID "a name that is not a string at byte 3"),
      CASE("\x01\x0a\x01\x42_G\x03", INVALID "a name that is not a string at byte 6"),
      CASE("\x01\x0b\x81", INVALID "a name that is not a string at byte 2"),
      CASE("\x01\x0a\x00\x0a\x00\x0a\x00",
           INVALID "a name that is not a string at byte 3"),
      CASE("\x01\x0b\x0b\x0b\x0b", INVALID "a name that is not a string at byte 2"),
      CASE("\x01\x0b", INVALID "truncated at byte 2"),
      CASE("\x01\x0b\x40", "cannot receive constant '': it is not registered here"),
      CASE("\x01\x0b\x42\x63x", "cannot receive class 'x': it is not registered here"),
      CASE("\x01\x0a\x03\x42_G\x81\x41x\x41y",
           "cannot receive _G.1.x.y: there is no such thing here"),
      CASE("\x01\x0a\x01\x42_G\x48_VERSION",
           "cannot receive _G._VERSION: there is no such "
           "thing here"),
      CASE("\x01\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
           INVALID "damaged code at byte 14"),
      CASE("\x01\x09\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00",
           INVALID "truncated at byte 14"),
  };
  lua_State *L = damage_state();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct message message = {test_malloc(cases[i].length + 1), cases[i].length};
    memcpy(message.bytes, cases[i].bytes, cases[i].length);
    assert_int_equal(try(L, &message), LUA_ERRRUN);
    assert_string_equal(lua_tostring(L, -1), cases[i].error);
    test_free(message.bytes);
  }
  lua_close(L);
}

/* A function whose upvalues were tampered with: `edit` changes the bytes behind its code.
 */
static void check_upvalues(const char *edit, size_t n, const char *error) {
  lua_State *L = damage_state();
  struct message message = make(L, "local a = 1 return function() return a end");
  uint32_t code;
  memcpy(&code, message.bytes + 2, sizeof code);
  size_t at = 2 + WIRE_CODE_HEAD + code;
  assert_memory_equal(message.bytes + at, "\x01\x0f\x81", 3);
  assert_int_equal(message.length, at + 3);
  struct message edited = {test_malloc(at + n), at + n};
  memcpy(edited.bytes, message.bytes, at);
  memcpy(edited.bytes + at, edit, n);
  assert_int_equal(try(L, &edited), LUA_ERRRUN);
  const char *got = lua_tostring(L, -1);
  if (strncmp(got, error, strlen(error)) != 0)
    fail_msg("expected %s, got %s", error, got);
  test_free(message.bytes);
  test_free(edited.bytes);
  lua_close(L);
}

static void tampered_upvalues(void **state) {
  (void)state;
  check_upvalues("\x02\x0f\x81\x0f\x81", 5,
                 INVALID "more upvalues than the function has");
  check_upvalues("\x00", 1, INVALID "fewer upvalues than the function has");
  check_upvalues("\x01\x81", 2, INVALID "an unknown tag");
  check_upvalues("\x01\x10\x01", 3, INVALID "a reference to nothing");
  check_upvalues("\x01\x0f\x10\x01", 4, INVALID "an unknown tag");
}

/* A reference to a table where one to a cell belongs. */
static void wrong_kind_of_reference(void **state) {
  (void)state;
  lua_State *L = damage_state();
  struct message message =
      make(L, "local t = {} local a = t return {t, function() return t end, t}");
  unsigned char *tag = memchr(message.bytes, WIRE_UPVALUE, message.length);
  while (tag && tag[1] != WIRE_REF)
    tag =
        memchr(tag + 1, WIRE_UPVALUE, message.length - (size_t)(tag + 1 - message.bytes));
  assert_non_null(tag);
  unsigned char offset = tag[2];
  tag[0] = WIRE_UPREF;
  tag[1] = offset;
  assert_int_equal(try(L, &message), LUA_ERRRUN);
  assert_non_null(
      strstr(lua_tostring(L, -1), "a reference to something that is not an upvalue"));
  test_free(message.bytes);
  lua_close(L);
}

/* Tables within tables that each promise as much as the rest of the message could hold.
 */
static void promises_are_added_up(void **state) {
  (void)state;
  size_t size = 1 << 20;
  struct message message = {test_malloc(size), size};
  memset(message.bytes, WIRE_NIL, size);
  unsigned char *to = message.bytes;
  *to++ = 1;
  for (int level = 0; level < 3000; level++) {
    size_t left = size - (size_t)(to - message.bytes);
    *to++ = WIRE_TABLE;
    to = wire_varint(to, left - 8);
    *to++ = 0;
  }
  lua_State *L = damage_state();
  lua_gc(L, LUA_GCSTOP);
  int before = lua_gc(L, LUA_GCCOUNT);
  assert_int_equal(try(L, &message), LUA_ERRRUN);
  assert_non_null(strstr(lua_tostring(L, -1), "a table larger than the message"));
  assert_in_range(lua_gc(L, LUA_GCCOUNT) - before, 0, 20 * 1024);
  test_free(message.bytes);
  lua_close(L);
}

static void too_deep(void **state) {
  (void)state;
  static const unsigned char nested[] = {WIRE_TABLE, 1, 0};
  size_t size = 1 + sizeof nested * (WIRE_MAX_DEPTH + 1);
  struct message message = {test_malloc(size), size};
  unsigned char *to = message.bytes;
  *to++ = 1;
  for (int level = 0; level <= WIRE_MAX_DEPTH; level++, to += sizeof nested)
    memcpy(to, nested, sizeof nested);
  lua_State *L = damage_state();
  assert_int_equal(try(L, &message), LUA_ERRRUN);
  assert_non_null(strstr(lua_tostring(L, -1), "nested too deeply"));
  test_free(message.bytes);
  lua_close(L);
}

/* More values than Lua's stack holds. */
static void too_many_roots(void **state) {
  (void)state;
  struct message message = {test_malloc(2000004), 2000004};
  memset(message.bytes, WIRE_NIL, message.length);
  wire_varint(message.bytes, 2000000);
  lua_State *L = damage_state();
  assert_int_equal(try(L, &message), LUA_ERRRUN);
  assert_non_null(strstr(lua_tostring(L, -1), "too many values in a message"));
  test_free(message.bytes);
  lua_close(L);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_truncation),      cmocka_unit_test(every_changed_byte),
      cmocka_unit_test(changed_code),          cmocka_unit_test(made_up),
      cmocka_unit_test(tampered_upvalues),     cmocka_unit_test(wrong_kind_of_reference),
      cmocka_unit_test(promises_are_added_up), cmocka_unit_test(too_deep),
      cmocka_unit_test(too_many_roots),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
