/* What crosses by copy: every kind of plain value and table comes back equal, and of its
 * type. */
#include "fixture.h"

static void scalars(void **state) {
  (void)state;
  run_script(
      "for _, v in ipairs{true, false, 0, 1, 127, 128, -1, -64, -65, 1 << 31, 1 << 53,\n"
      "    math.maxinteger, math.mininteger, 0.0, 1.0, -1.5, 1e300, 5e-324, math.huge,\n"
      "    -math.huge, 2^53, '', 'a', ('x'):rep(63), ('x'):rep(64), "
      "('\\0\\255'):rep(5000)} do\n"
      "  for _, got in ipairs{cross(v), (there('return ...', v))} do\n"
      "    assert(rawequal(got, v) and math.type(got) == math.type(v), tostring(v))\n"
      "  end\n"
      "end\n"
      "assert(cross(nil) == nil and select('#', cross(nil, nil)) == 2)\n"
      "assert(1 / cross(-0.0) == -math.huge)\n"
      "local nan = cross(0 / 0)\n"
      "assert(nan ~= nan and math.type(nan) == 'float')\n"
      "assert(string.pack('d', cross(0 / 0)) == string.pack('d', 0 / 0))\n");
}

static void several_roots(void **state) {
  (void)state;
  run_script("local t = {}\n"
             "local a, b, c, d = cross(1, t, nil, t)\n"
             "assert(a == 1 and type(b) == 'table' and c == nil and b == d and b ~= t)\n"
             "local many = table.pack(cross(table.unpack({}, 1, 5000)))\n"
             "assert(many.n == 5000)\n");
}

static void big_strings(void **state) {
  (void)state;
  run_script("local all = {}\n"
             "for i = 0, 255 do all[#all + 1] = string.char(i) end\n"
             "local s = table.concat(all):rep(8192)\n"
             "assert(#s == 2 << 20 and cross(s) == s)\n"
             "for n = 0, 300 do assert(cross(s:sub(1, n)) == s:sub(1, n)) end\n");
}

static void tables(void **state) {
  (void)state;
  run_script("local t = cross{1, 'two', {3}, x = 1, y = {z = true}, [2.5] = 'f', [true] "
             "= 0, [-1] = 9}\n"
             "assert(t[1] == 1 and t[2] == 'two' and t[3][1] == 3 and t.x == 1 and t.y.z "
             "== true)\n"
             "assert(t[2.5] == 'f' and t[true] == 0 and t[-1] == 9 and #t == 3)\n"
             "assert(next(cross{}) == nil)\n"
             "local n = 0\n"
             "for _ in pairs(t) do n = n + 1 end\n"
             "assert(n == 8)\n");
}

static void holes(void **state) {
  (void)state;
  run_script("local function same(t)\n"
             "  local c = cross(t)\n"
             "  for k, v in pairs(t) do assert(c[k] == v, tostring(k)) end\n"
             "  for k, v in pairs(c) do assert(t[k] == v, tostring(k)) end\n"
             "end\n"
             "same{1, nil, 3}\n"
             "same{nil, nil, 3}\n"
             "same{1, nil, 3, nil, nil, 6, x = 1}\n"
             "same{[1] = 1, [2] = 2, [3] = 3, [4] = 4}\n"
             "same{[4] = 4, [3] = 3, [2] = 2, [1] = 1, [100] = 100, [0] = 0}\n"
             "local t = {}\n"
             "for i = 64, 1, -1 do t[i] = i end\n"
             "same(t)\n"
             "for i = 1, 64 do t[i] = nil same(t) end\n"
             "for i = 1, 200 do t[i * i % 211] = i same(t) end\n");
}

/* Around 255 pairs a chunk ends. */
static void many_pairs(void **state) {
  (void)state;
  run_script("for _, n in ipairs{254, 255, 256, 509, 510, 511, 3000} do\n"
             "  local t = {'list'}\n"
             "  for i = 1, n do t['k' .. i] = i end\n"
             "  local c, m = cross(t), 0\n"
             "  for k, v in pairs(c) do m = m + 1 assert(t[k] == v) end\n"
             "  assert(m == n + 1, n)\n"
             "end\n");
}

static void identity(void **state) {
  (void)state;
  run_script(
      "local shared = {1}\n"
      "local t = {shared, shared, a = {shared}, [shared] = 'key'}\n"
      "t.self = t\n"
      "t.a.up = t\n"
      "local c = cross(t)\n"
      "assert(c[1] == c[2] and c[1] == c.a[1] and c[c[1]] == 'key' and c[1] ~= shared)\n"
      "assert(c.self == c and c.a.up == c and c[1][1] == 1)\n"
      /* More shared tables than fit the first map, each met again in reverse order. */
      "local many, again = {}, {}\n"
      "for i = 1, 1000 do many[i] = {i} again[1001 - i] = many[i] end\n"
      "local m, a = cross(many, again)\n"
      "for i = 1, 1000 do assert(m[i] == a[1001 - i] and m[i][1] == i) end\n");
}

static void metatables(void **state) {
  (void)state;
  run_script("local mt = {__add = function(a, b) return a.v + b.v end, tag = 'mt'}\n"
             "mt.__index = mt\n"
             "local a, b = cross(setmetatable({v = 1}, mt), setmetatable({v = 2}, mt))\n"
             "assert(a + b == 3 and a.tag == 'mt')\n"
             "assert(getmetatable(a) == getmetatable(b) and getmetatable(a) ~= mt)\n"
             "local own = {}\n"
             "setmetatable(own, own)\n"
             "local c = cross(own)\n"
             "assert(getmetatable(c) == c)\n"
             "local closed = cross(setmetatable({}, {__metatable = 'locked'}))\n"
             "assert(getmetatable(closed) == 'locked')\n"
             "local s = cross('text')\n"
             "assert(s:upper() == 'TEXT')\n");
}

/* Metamethods of the copied tables see nothing of it, neither when read nor when filled.
 */
static void raw_access(void **state) {
  (void)state;
  run_script("local function no() error 'a metamethod ran' end\n"
             "local mt = {__index = no, __newindex = no, __len = no, __pairs = no,\n"
             "  __eq = no, __call = no, __name = 'x'}\n"
             "local c = cross(setmetatable({1, 2, x = setmetatable({}, mt)}, mt))\n"
             "assert(rawlen(c) == 2 and rawget(c, 1) == 1 and rawget(rawget(c, 'x'), 1) "
             "== nil)\n");
}

/* The codec is the same for the next message whatever the last one was. */
static void buffer_reuse(void **state) {
  (void)state;
  run_script("local big = {}\n"
             "for i = 1, 40000 do big[i] = {i} end\n"
             "for _ = 1, 3 do\n"
             "  assert(#cross(('x'):rep(3 << 20)) == 3 << 20)\n"
             "  assert(cross(big)[40000][1] == 40000)\n"
             "  for i = 1, 200 do assert(cross{i}[1] == i) end\n"
             "end\n");
}

static void in_a_coroutine(void **state) {
  (void)state;
  run_script("local co = coroutine.wrap(function(...)\n"
             "  local v = cross(...)\n"
             "  coroutine.yield(v)\n"
             "  local ok, err = pcall(cross, {c = coroutine.running()})\n"
             "  return ok, err\n"
             "end)\n"
             "assert(co{1}[1] == 1)\n"
             "local ok, err = co()\n"
             "assert(not ok and err == 'cannot send a coroutine (at item.c)', err)\n");
}

/* A finalizer may send and receive while a message is read, and the collector never lags.
 */
static void under_a_busy_collector(void **state) {
  (void)state;
  run_script("local runs = 0\n"
             "local function arm()\n"
             "  setmetatable({}, {__gc = function()\n"
             "    runs = runs + 1\n"
             "    assert(cross({{runs}, print, x = runs})[1][1] == runs)\n"
             "    arm()\n"
             "  end})\n"
             "end\n"
             "collectgarbage('incremental', 1, 1000)\n"
             "arm()\n"
             "for i = 1, 300 do\n"
             "  local n, shared = i, {i}\n"
             "  local t = {shared, shared, f = function() return n, shared end, k = {}}\n"
             "  for j = 1, 40 do t.k['key' .. i * j] = {('s'):rep(j)} end\n"
             "  setmetatable(t, {__index = {up = t}})\n"
             "  local c = cross(t)\n"
             "  local m, s = c.f()\n"
             "  assert(m == i and s == c[1] and c[2] == s and s[1] == i and c.up == c)\n"
             "  for j = 1, 40 do assert(#c.k['key' .. i * j][1] == j) end\n"
             "end\n"
             "assert(runs > 100, runs)\n");
}

/* Random values of every sendable plain kind, with sharing and cycles, compared as
 * graphs. */
static void random_round_trips(void **state) {
  (void)state;
  run_script(
      "local tables\n"
      "local scalars = {\n"
      "  function() return math.random(0) end,\n"
      "  function() return math.random(-300, 300) end,\n"
      "  function() return math.random() * 10 ^ math.random(-20, 20) end,\n"
      "  function() return math.random(2) == 1 end,\n"
      "  function() return ('s'):rep(math.random(0, 90)) .. math.random(99) end,\n"
      "}\n"
      "local function value(depth)\n"
      "  local kind = math.random(9)\n"
      "  if kind <= 5 then return scalars[kind]() end\n"
      "  if kind == 6 and #tables > 0 then return tables[math.random(#tables)] end\n"
      "  if depth == 0 then return 'leaf' end\n"
      "  local t = {}\n"
      "  tables[#tables + 1] = t\n"
      "  for i = 1, math.random(0, 6) do t[i] = value(depth - 1) end\n"
      "  for _ = 1, math.random(0, 6) do t[value(depth - 1)] = value(depth - 1) end\n"
      "  if math.random(4) == 1 then t[math.random(6)] = nil end\n"
      "  if math.random(9) == 1 then setmetatable(t, tables[math.random(#tables)]) end\n"
      "  return t\n"
      "end\n"
      /* As graphs: one table here stands for one there. Table keys are found by trying.
       */
      "local function equal(a, b, pairs_)\n"
      "  if type(a) ~= 'table' then return rawequal(a, b) and math.type(a) == "
      "math.type(b) end\n"
      "  if type(b) ~= 'table' then return false end\n"
      "  if pairs_[a] or pairs_[b] then return pairs_[a] == b and pairs_[b] == a end\n"
      "  pairs_[a], pairs_[b] = b, a\n"
      "  local n, keys = 0, {}\n"
      "  for k in next, b do\n"
      "    n = n + 1\n"
      "    if type(k) == 'table' then keys[k] = true end\n"
      "  end\n"
      "  for k, v in next, a do\n"
      "    n = n - 1\n"
      "    if type(k) ~= 'table' then\n"
      "      if not equal(v, rawget(b, k), pairs_) then return false end\n"
      "    else\n"
      "      local found\n"
      "      for other in next, keys do\n"
      "        local try = {}\n"
      "        for x, y in next, pairs_ do try[x] = y end\n"
      "        if equal(k, other, try) and equal(v, rawget(b, other), try) then\n"
      "          found = other\n"
      "          for x, y in next, try do pairs_[x] = y end\n"
      "          break\n"
      "        end\n"
      "      end\n"
      "      if not found then return false end\n"
      "      keys[found] = nil\n"
      "    end\n"
      "  end\n"
      "  return n == 0 and equal(getmetatable(a), getmetatable(b), pairs_)\n"
      "end\n"
      "for seed = 1, 400 do\n"
      "  math.randomseed(seed)\n"
      "  tables = {}\n"
      "  local v = {value(4), value(4), value(4)}\n"
      "  assert(equal(v, cross(v), {}), 'seed ' .. seed)\n"
      "end\n"
      "assert(not equal({1, {2}}, {1, {3}}, {}))\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scalars),
      cmocka_unit_test(several_roots),
      cmocka_unit_test(big_strings),
      cmocka_unit_test(tables),
      cmocka_unit_test(holes),
      cmocka_unit_test(many_pairs),
      cmocka_unit_test(identity),
      cmocka_unit_test(metatables),
      cmocka_unit_test(raw_access),
      cmocka_unit_test(buffer_reuse),
      cmocka_unit_test(in_a_coroutine),
      cmocka_unit_test(under_a_busy_collector),
      cmocka_unit_test(random_round_trips),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
