/* What is refused, and how the message says where it sits. */
#include "fixture.h"

static void kinds(void **state) {
  (void)state;
  run_script(
      "assert(refusal(io.stdout) == 'cannot send a FILE* (at item)')\n"
      "assert(refusal(coroutine.create(print)) == 'cannot send a coroutine (at item)')\n"
      "assert(refusal(string.gmatch('', '')) ==\n"
      "  'cannot send a C function that no loaded module holds (at item)')\n"
      "local mt = debug.getmetatable(io.stdout)\n"
      "local name = mt.__name\n"
      "for given, shown in pairs{apple = 'an apple', [7] = 'a userdata', ['a\"\\n'] = "
      "'an a\\\\\"\\\\x0a',\n"
      "  [''] = 'a ', [('x'):rep(50)] = 'a ' .. ('x'):rep(40) .. '...'} do\n"
      "  mt.__name = given\n"
      "  local err = refusal(io.stdout)\n"
      "  assert(err == 'cannot send ' .. shown .. ' (at item)', err)\n"
      "end\n"
      "mt.__name = name\n");
}

static void light_userdata(void **state) {
  (void)state;
  lua_State *L = fixture_state(NULL, NULL);
  lua_getglobal(L, "refusal");
  lua_pushlightuserdata(L, L);
  lua_call(L, 1, 1);
  assert_string_equal(lua_tostring(L, -1), "cannot send a light userdata (at item)");
  lua_close(L);
}

static void paths(void **state) {
  (void)state;
  run_script("local f = io.stdout\n"
             "local function at(value, path)\n"
             "  local err = refusal(value)\n"
             "  assert(err == 'cannot send a FILE* (at ' .. path .. ')', err)\n"
             "end\n"
             "at({log = {1, f}}, 'item.log[2]')\n"
             "at({log = {1, [3] = f}}, 'item.log[3]')\n"
             "at({nil, nil, f}, 'item[3]')\n"
             "at({[3] = 1, [1] = f, [2] = 1, x = 1}, 'item[1]')\n"
             "at({[-1] = f}, 'item[-1]')\n"
             "at({['a b'] = f}, 'item[\"a b\"]')\n"
             "at({['end'] = f}, 'item[\"end\"]')\n"
             "at({[''] = f}, 'item[\"\"]')\n"
             "at({['1a'] = f}, 'item[\"1a\"]')\n"
             "at({_a1 = f}, 'item._a1')\n"
             "at({['\\1\"\\\\'] = f}, 'item[\"\\\\x01\\\\\"\\\\\\\\\"]')\n"
             "at({[('k'):rep(100)] = f}, 'item[\"' .. ('k'):rep(40) .. '...\"]')\n"
             "at({[1.5] = f}, 'item[1.5]')\n"
             "at({[true] = f}, 'item[true]')\n"
             "at({[false] = f}, 'item[false]')\n"
             "at({[{}] = f}, 'item[a table]')\n"
             "at({[print] = {f}}, 'item[a function][1]')\n"
             "at({a = {[f] = 1}}, 'a key of item.a')\n"
             "at({a = {[{x = {f}}] = 1}}, 'a key of item.a.x[1]')\n"
             "at({a = setmetatable({}, {f = f})}, 'getmetatable(item.a).f')\n"
             "at({setmetatable({}, {__index = setmetatable({}, {f})})},\n"
             "  'getmetatable(getmetatable(item[1]).__index)[1]')\n"
             "at(function() return f end, \"item.upvalue 'f'\")\n"
             "local t = {{f}}\n"
             "at({run = function() return f, t end}, \"item.run.upvalue 'f'\")\n"
             "at({run = function() return t end}, \"item.run.upvalue 't'[1][1]\")\n"
             "at({run = function() return function() return t end end}, "
             "\"item.run.upvalue 't'[1][1]\")\n");
}

static void roots(void **state) {
  (void)state;
  run_script("local ok, err = pcall(bytes, 1, {a = io.stdout})\n"
             "assert(err == 'cannot send a FILE* (at item[2].a)', err)\n"
             /* The position is the caller's, as luaL_error gives it. */
             "local ok, err = pcall(function() bytes(io.stdout) end)\n"
             "assert(err == 'script:3: cannot send a FILE* (at item)', err)\n");
}

static int put_named(lua_State *L) {
  struct wire_bytes out;
  const char *name = lua_tostring(L, 1);
  if (lua_isinteger(L, 2))
    wire_encode_from(L, 3, 1, name, lua_tointeger(L, 2), &out);
  else
    wire_encode(L, 3, 1, name, &out);
  return 0;
}

static void names_of_roots(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int number;
    const char *message;
  } cases[] = {{"args", 0, "cannot send a FILE* (at args)"},
               {"args[]", 0, "cannot send a FILE* (at args[1])"},
               {"items", 12, "cannot send a FILE* (at items[12])"},
               {"items[]", 3, "cannot send a FILE* (at items[3])"},
               {"", 0, "cannot send a FILE* (at )"}};
  lua_State *L = fixture_state(NULL, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lua_pushcfunction(L, put_named);
    lua_pushstring(L, cases[i].name);
    if (cases[i].number)
      lua_pushinteger(L, cases[i].number);
    else
      lua_pushnil(L);
    assert_int_equal(luaL_dostring(L, "return io.stdout"), 0);
    assert_int_equal(lua_pcall(L, 3, 0, 0), LUA_ERRRUN);
    assert_string_equal(lua_tostring(L, -1), cases[i].message);
    lua_pop(L, 1);
  }
  lua_close(L);
}

/* A long path shows both its ends. */
static void long_paths(void **state) {
  (void)state;
  run_script(
      "local function chain(n)\n"
      "  local t = {z = io.stdout}\n"
      "  for i = n, 1, -1 do t = {['a' .. i] = t} end\n"
      "  return t\n"
      "end\n"
      "assert(refusal(chain(14)) == 'cannot send a FILE* (at item.a1.a2.a3.a4.a5.a6.a7' "
      "..\n"
      "  '.a8.a9.a10.a11.a12.a13.a14.z)', refusal(chain(14)))\n"
      "for _, n in ipairs{15, 16, 100, 3000} do\n"
      "  local tail = ''\n"
      "  for i = n - 6, n do tail = tail .. '.a' .. i end\n"
      "  local err = refusal(chain(n))\n"
      "  assert(err == 'cannot send a FILE* (at item.a1.a2.a3.a4.a5.a6.a7 ... ' .. tail\n"
      "    .. '.z)', err)\n"
      "end\n"
      "local wide = io.stdout\n"
      "for i = 1, 200 do wide = {[('k'):rep(60)] = wide} end\n"
      "assert(#refusal(wide) < 1100)\n");
}

static void depth(void **state) {
  (void)state;
  run_script(
      "local function deep(n, t)\n"
      "  for _ = 1, n - 1 do t = {t} end\n"
      "  return t\n"
      "end\n"
      "local v = cross(deep(4000, {}))\n"
      "local n = 0\n"
      "while v do n = n + 1 v = v[1] end\n"
      "assert(n == 4000)\n"
      "local text = 'cannot send item: nested too deeply (more than 4000 levels)'\n"
      "assert(refusal(deep(4001, {})) == text)\n"
      "assert(refusal(deep(1000000, {})) == text)\n"
      /* By keys, metatables and upvalues too. */
      "local t, u, f = {}, {}, print\n"
      "for _ = 1, 4001 do\n"
      "  local g = f\n"
      "  t = {[t] = true} u = setmetatable({}, u) f = function() return g end\n"
      "end\n"
      "assert(refusal(t) == text and refusal(u) == text and refusal(f) == text)\n"
      /* Width is not depth. */
      "local w = {}\n"
      "for i = 1, 5000 do w[i] = {{}} end\n"
      "assert(#cross(w) == 5000)\n");
}

/* Deep nesting fits the C stack where there is little of Lua's. */
static void depth_in_a_coroutine(void **state) {
  (void)state;
  run_script("local v = {}\n"
             "for _ = 2, 4000 do v = {x = v} end\n"
             "local function at(n)\n"
             "  if n == 0 then return cross(v) end\n"
             "  return coroutine.wrap(at)(n - 1)\n"
             "end\n"
             "assert(at(100).x.x.x)\n");
}

/* The stack is left as it was, and the codec works on. */
static void refusals_leave_nothing(void **state) {
  (void)state;
  run_script("for _ = 1, 300 do\n"
             "  pcall(bytes, {1, {2, handle(1), {x = io.stdout}}})\n"
             "  assert(cross{1, {2}}[2][1] == 2)\n"
             "end\n");
}

static void not_open(void **state) {
  (void)state;
  lua_State *L = luaL_newstate();
  lua_pushcfunction(L, fixture_bytes);
  assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_ERRRUN);
  assert_string_equal(lua_tostring(L, -1), "the codec is not open in this Lua state");
  lua_close(L);
}

/* A finalizer that runs when the state closes, after the codec's own. */
static int closing_result;

static int send_at_close(lua_State *L) {
  lua_pushcfunction(L, fixture_bytes);
  lua_pushinteger(L, 1);
  closing_result = lua_pcall(L, 1, 0, 0);
  if (closing_result != LUA_OK)
    assert_string_equal(lua_tostring(L, -1),
                        "cannot send or receive: the Lua state is closing");
  return 0;
}

static void closing(void **state) {
  (void)state;
  lua_State *L = luaL_newstate();
  lua_newtable(L); /* marked for finalization first, so finalized last */
  lua_newtable(L);
  lua_pushcfunction(L, send_at_close);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  wire_open(L, NULL);
  lua_pushinteger(L, 1);
  struct wire_bytes out;
  wire_encode(L, -1, 1, "item", &out);
  closing_result = LUA_OK;
  lua_close(L);
  assert_int_equal(closing_result, LUA_ERRRUN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kinds),
      cmocka_unit_test(light_userdata),
      cmocka_unit_test(paths),
      cmocka_unit_test(roots),
      cmocka_unit_test(names_of_roots),
      cmocka_unit_test(long_paths),
      cmocka_unit_test(depth),
      cmocka_unit_test(depth_in_a_coroutine),
      cmocka_unit_test(refusals_leave_nothing),
      cmocka_unit_test(not_open),
      cmocka_unit_test(closing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
