/* What crosses by name or by reference: C functions, modules, classes, constants,
 * handles. */
#include "fixture.h"

static void c_functions(void **state) {
  (void)state;
  run_script(
      "for _, f in ipairs{print, string.format, table.unpack, io.open, require, "
      "coroutine.wrap,\n"
      "    math.floor, debug.traceback, package.searchers[2]} do\n"
      "  assert(cross(f) == f)\n"
      "  assert(there('local f = ... f_ = f return type(f)', f) == 'function')\n"
      "end\n"
      "assert(there('return ... == string.format', string.format))\n"
      "local fmt = string.format\n"
      "assert(there('return (...)(5)', function(x) return fmt('<%d>', x) end) == '<5>')\n"
      /* A global alias is not the name that is sent: the receiver may not have it. */
      "alias, upper = string.rep, nil\n"
      "assert(there('return ... == string.rep', alias))\n"
      "assert(not bytes(alias):find('alias', 1, true))\n");
}

/* The names that every process has are preferred, whatever else leads to the function. */
static void preferred_names(void **state) {
  (void)state;
  run_script("alias, shout = string.rep, print\n"
             "package.loaded.aaa = {rep = string.rep, print = print}\n"
             "assert(there('return ... == string.rep', string.rep))\n"
             "assert(there('return ... == print', print))\n"
             "string.len, length = nil, string.len\n"
             "package.loaded.zzz = {deep = {len = length}}\n"
             "there('package.loaded.zzz = {deep = {len = string.len}}')\n"
             "assert(there('return ... == string.len', length))\n"
             "package.loaded.zzz = nil\n"
             "there('length = string.len')\n"
             "assert(there('return ... == string.len', length))\n");
}

static void c_functions_of_modules(void **state) {
  (void)state;
  run_script(
      /* A C function that only one module holds: made by hiding a library's. */
      "local find = string.find\n"
      "string.find = nil\n"
      "assert(refusal(find) == 'cannot send a C function that no loaded module holds (at "
      "item)')\n"
      "package.loaded.m = {part = {find = find}}\n"
      "there('package.loaded.m = {part = {find = string.find}}')\n"
      "assert(there('return ... == string.find', find) and cross(find) == find)\n"
      "package.loaded.m.part = {deeper = {find = find}}\n"
      "assert(refusal(find):match('no loaded module'))\n"
      "package.loaded.m.found = find\n"
      "local ok, err = pcall(there, '', find)\n"
      "assert(err == 'cannot receive m.found: there is no such thing here', err)\n"
      "package.loaded.n = find\n"
      "package.loaded.m = nil\n"
      "there('package.loaded.n = string.find')\n"
      "assert(there('return ... == string.find', find))\n"
      "package.loaded.list = {[3] = {find}}\n"
      "package.loaded.n = nil\n"
      "there('package.loaded.list = {[3] = {string.find}}')\n"
      "assert(there('return ... == string.find', find))\n");
}

static void modules(void **state) {
  (void)state;
  run_script(
      "assert(cross(string) == string and there('return ... == table', table))\n"
      "local m = {f = function() return 'here' end, data = {1}}\n"
      "m.__index = m\n"
      "package.loaded['my.mod'] = m\n"
      "there([[package.preload['my.mod'] = function()\n"
      "  loads = (loads or 0) + 1\n"
      "  return {f = function() return 'there' end}\n"
      "end]])\n"
      /* Loaded by the receiver when needed, and only once. */
      "assert(there('return (...).f()', m) == 'there' and there('return loads') == 1)\n"
      "assert(there('return (...).m.f()', {{}, m = m}) == 'there')\n"
      "assert(there('return (...)()', function() return m.f() end) == 'there')\n"
      "assert(there('return loads') == 1)\n"
      /* The module was written as data when the function after it made names count. */
      "assert(cross{a = {m}, b = {m}, print}.a[1] == m)\n"
      "assert(getmetatable(cross(setmetatable({}, m))) == m)\n"
      /* A function of a Lua module is copied, but a module that is a function is not. */
      "assert(there('return (...)()', m.f) == 'here')\n"
      "package.loaded.fun = function() return 'here' end\n"
      "there('package.loaded.fun = function() return \"there\" end')\n"
      "assert(there('return (...)()', package.loaded.fun) == 'there')\n"
      /* A module that cannot be had. */
      "package.loaded.gone = {print}\n"
      "local ok, err = pcall(there, '', package.loaded.gone)\n"
      "assert(not ok and err:find(\"module 'gone' not found\", 1, true), err)\n");
}

/* A message of plain data is copied as it is, a module that holds only data included. */
static void data_modules(void **state) {
  (void)state;
  run_script("local config = {port = 1}\n"
             "package.loaded.config = config\n"
             "local c = cross(config)\n"
             "assert(c ~= config and c.port == 1)\n"
             "assert(cross{config, print}[1] == config)\n"
             "assert(cross{print, config}[2] == config)\n"
             /* Wherever the function or metatable comes that makes the names count. */
             "assert(cross{config, {{print}}}[1] == config)\n"
             "assert(cross{config, x = {y = print}}[1] == config)\n"
             "assert(cross{config, [print] = 1}[1] == config)\n"
             "assert(cross{config, {[2] = {}, [1] = print, [3] = 3}}[1] == config)\n"
             "assert(cross{config, {config, nil, print}}[1] == config)\n"
             "assert(cross{config, {setmetatable({}, {})}}[1] == config)\n"
             "assert(select(1, cross(config, print)) == config)\n");
}

/* Without `require` only what is loaded can be received. */
static void no_require(void **state) {
  (void)state;
  lua_State *L = luaL_newstate();
  wire_open(L, NULL);
  lua_pushcfunction(L, fixture_from);
  lua_pushlstring(L, "\x01\x0a\x00\x43mod", 7);
  assert_int_equal(lua_pcall(L, 1, 0, 0), LUA_ERRRUN);
  assert_string_equal(lua_tostring(L, -1),
                      "cannot receive module 'mod': it is not loaded here");
  lua_close(L);
}

static void module_classes(void **state) {
  (void)state;
  run_script(
      "local m = {Point = {}, plain = {1}, bare = {}}\n"
      "m.Point.__index = m.Point\n"
      "package.loaded.shapes = m\n"
      "assert(getmetatable(cross(setmetatable({}, m.Point))) == m.Point)\n"
      "assert(getmetatable(cross(setmetatable({}, m.bare))) == m.bare)\n"
      "local Point, plain = m.Point, m.plain\n"
      "local p, q = cross(function() return Point, plain end)()\n"
      "assert(p == Point and q ~= plain and q[1] == 1)\n"
      /* A class that is only a global is data: other processes need not have it. */
      "Account = {kind = 'account'}\n"
      "Account.__index = Account\n"
      "local a = cross(setmetatable({}, Account))\n"
      "assert(a.kind == 'account' and getmetatable(a) ~= Account)\n"
      "assert(there('return (...).kind', setmetatable({}, Account)) == 'account')\n"
      /* Modules that load parts of themselves on demand are followed through __index. */
      "local lazy = {part = {find = string.gsub}}\n"
      "string.gsub = nil\n"
      "package.loaded.lazy = lazy\n"
      "there([[package.loaded.lazy = setmetatable({}, {__index = function(_, key)\n"
      "  return {find = key == 'part' and string.gsub}\n"
      "end})]])\n"
      "assert(there('return ... == string.gsub', lazy.part.find))\n");
}

static void registered_classes(void **state) {
  (void)state;
  run_script(
      "local Point = {kind = 'here'}\n"
      "Point.__index = Point\n"
      "class('Point', Point)\n"
      "there('Point = {kind = \"there\"} Point.__index = Point class(\"Point\", "
      "Point)')\n"
      "local p = setmetatable({x = 1}, Point)\n"
      "assert(getmetatable(cross(p)) == Point and cross(p).x == 1)\n"
      "assert(there('return (...).kind', p) == 'there' and cross(Point) == Point)\n"
      "local list = cross{p, p, setmetatable({}, Point)}\n"
      "assert(list[1] == list[2] and getmetatable(list[3]) == Point)\n"
      "assert(cross(function() return Point end)() == Point)\n"
      /* A second class of the name replaces the first, which is data from then on. */
      "local Other = {kind = 'other'}\n"
      "class('Point', Other)\n"
      "class('Point', Other)\n"
      "assert(getmetatable(cross(setmetatable({}, Other))) == Other)\n"
      "assert(getmetatable(cross(p)) ~= Point and cross(p).kind == 'here')\n"
      "class('Mine', Point)\n"
      "local ok, err = pcall(there, '', p)\n"
      "assert(err == \"cannot receive class 'Mine': it is not registered here\", err)\n");
}

static void constants(void **state) {
  (void)state;
  run_script("local Empty = setmetatable({kind = 'Empty'}, {__tostring = function() "
             "return 'e' end})\n"
             "constant('Empty', Empty)\n"
             "there('Empty = {} constant(\"Empty\", Empty)')\n"
             "assert(cross(Empty) == Empty and there('return ... == Empty', Empty))\n"
             "assert(there('return (...).e == Empty and (...)[Empty]', {e = Empty, "
             "[Empty] = 2}) == 2)\n"
             "class('Empty', {})\n"
             "assert(cross(Empty) == Empty)\n"
             "constant('Lonely', {})\n"
             "local lonely = {}\n"
             "constant('Lonely', lonely)\n"
             "local ok, err = pcall(there, '', lonely)\n"
             "assert(err == \"cannot receive constant 'Lonely': it is not registered "
             "here\", err)\n");
}

static void handles(void **state) {
  (void)state;
  run_script(
      "local a, b = handle(7), handle(9)\n"
      "local t = cross{a, b, a, x = {b}}\n"
      "assert(ref(t[1]) == 7 and ref(t[2]) == 9 and t[1] == t[3] and t[2] == t.x[1])\n"
      "assert(there('return ref(...)', a) == 7)\n"
      "assert(ref(cross(function() return a end)()) == 7)\n"
      "assert(ref((there('return handle(3)'))) == 3)\n"
      "local many = {}\n"
      "for i = 1, 300 do many[i] = handle(i) end\n"
      "local copy = cross(many)\n"
      "for i = 1, 300 do assert(ref(copy[i]) == i) end\n"
      "assert(next(cross{}) == nil)\n");
}

/* The references are listed beside the bytes, each handle once. */
static void handles_are_listed(void **state) {
  (void)state;
  lua_State *L = fixture_state(NULL, NULL);
  assert_int_equal(luaL_dostring(L, "local a = handle(70) return {a, a, handle(71)}, 1"),
                   0);
  struct wire_bytes out;
  wire_encode(L, -2, 1, "item", &out);
  assert_int_equal(out.n_refs, 2);
  assert_int_equal(out.refs[0], 70);
  assert_int_equal(out.refs[1], 71);
  assert_int_equal(lua_gettop(L), 2);
  wire_encode(L, 2, 1, "item", &out);
  assert_int_equal(out.n_refs, 0);
  lua_close(L);
}

/* Opening again changes the hooks and keeps what was registered. */
static void open_twice(void **state) {
  (void)state;
  lua_State *L = fixture_state(NULL, NULL);
  assert_int_equal(luaL_dostring(L, "k = {} constant('k', k)"), 0);
  wire_open(L, NULL);
  assert_int_equal(lua_gettop(L), 0);
  assert_int_equal(luaL_dostring(L, "assert(cross(k) == k)"), 0);
  assert_int_equal(luaL_dostring(L, "return refusal(handle(1))"), 0);
  assert_string_equal(lua_tostring(L, -1), "cannot send a userdata (at item)");
  lua_close(L);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(c_functions),
      cmocka_unit_test(preferred_names),
      cmocka_unit_test(c_functions_of_modules),
      cmocka_unit_test(modules),
      cmocka_unit_test(data_modules),
      cmocka_unit_test(no_require),
      cmocka_unit_test(module_classes),
      cmocka_unit_test(registered_classes),
      cmocka_unit_test(constants),
      cmocka_unit_test(handles),
      cmocka_unit_test(handles_are_listed),
      cmocka_unit_test(open_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
