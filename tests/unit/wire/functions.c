/* Lua functions: their code, their upvalues, what is shared between them, their globals.
 */
#include "fixture.h"

static void upvalues_are_copied(void **state) {
  (void)state;
  run_script("local n, t = 1, {}\n"
             "local function count() n = n + 1 t[n] = true return n, t end\n"
             "local copy = cross(count)\n"
             "assert(copy ~= count and copy() == 2 and copy() == 3 and n == 1)\n"
             "assert(next(t) == nil)\n"
             "local _, theirs = copy()\n"
             "assert(theirs ~= t and theirs[2] and theirs[4])\n"
             "local unset\n"
             "assert(cross(function() return unset end)() == nil)\n");
}

static void shared_upvalues_stay_shared(void **state) {
  (void)state;
  run_script("local n = 0\n"
             "local api = {up = function() n = n + 1 return n end, get = function() "
             "return n end,\n"
             "  nested = function() return function() n = n + 10 return n end end}\n"
             "local c = cross(api)\n"
             "assert(c.up() == 1 and c.up() == 2 and c.get() == 2)\n"
             "assert(c.nested()() == 12 and c.get() == 12 and n == 0)\n"
             "local up, get = cross(api.up, api.get)\n"
             "up()\n"
             "assert(get() == 1)\n");
}

static void recursion(void **state) {
  (void)state;
  run_script("local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end\n"
             "assert(cross(fib)(15) == 610)\n"
             "assert(there('return (...)(15)', fib) == 610)\n"
             "local even, odd\n"
             "function even(n) return n == 0 or odd(n - 1) end\n"
             "function odd(n) return n ~= 0 and even(n - 1) end\n"
             "local e, o = cross(even, odd)\n"
             "assert(e(10) and not o(10) and o(7))\n"
             "local self = {}\n"
             "function self.me() return self end\n"
             "local c = cross(self)\n"
             "assert(c.me() == c)\n"
             "assert(cross{fib, fib}[1] ~= nil)\n"
             "local pair = cross{fib, fib}\n"
             "assert(pair[1] == pair[2])\n");
}

static void globals_are_the_receivers(void **state) {
  (void)state;
  run_script(
      "where = 'here'\n"
      "there('where = \"there\"')\n"
      "local function read() return where end\n"
      "assert(cross(read)() == 'here' and there('return (...)()', read) == 'there')\n"
      "there('(...)()', function() made = 5 end)\n"
      "assert(made == nil and there('return made') == 5)\n"
      "assert(cross(_G) == _G and there('return ... == _G', _G))\n"
      "assert(cross{g = _G}.g == _G)\n"
      /* Whatever environment the sender has, _ENV is the receiver's globals. */
      "local function boxed() local _ENV = {where = 'box'} return function() return "
      "where end end\n"
      "assert(there('return (...)()', boxed()) == 'there')\n"
      "local copy = cross(load('x = 1 return x', 'c', 't', {}))\n"
      "assert(copy() == 1 and x == 1)\n");
}

/* The debug information crosses, so that errors and tracebacks name the sender's lines.
 */
static void tracebacks(void **state) {
  (void)state;
  run_script("local function boom()\n"
             "  error('bad')\n"
             "end\n"
             "local ok, err = pcall(there, '(...)()', boom)\n"
             "assert(not ok and err:find('script:2: bad', 1, true), err)\n"
             "local info = debug.getinfo(cross(boom), 'S')\n"
             "assert(info.short_src == 'script' and info.linedefined == 1)\n"
             "local x = 1\n"
             "assert(debug.getupvalue(cross(function() return x end), 1) == 'x')\n");
}

static void stripped_functions(void **state) {
  (void)state;
  run_script("local f = load(string.dump(function(a) return a, print end, true))\n"
             "local a, p = cross(f)(3)\n"
             "assert(a == 3 and p == print)\n");
}

static void every_shape_of_function(void **state) {
  (void)state;
  run_script(
      "assert(select('#', cross(function(...) return ... end)(1, nil, nil)) == 3)\n"
      "assert(cross(function(...) return select('#', ...) end)() == 0)\n"
      "local names, body = {}, {}\n"
      "for i = 1, 180 do names[i] = 'v' .. i end\n"
      "local code = 'local ' .. table.concat(names, ',') .. ' = ...\\n' ..\n"
      "  'return function() return ' .. table.concat(names, '+') .. ' end'\n"
      "local args = {}\n"
      "for i = 1, 180 do args[i] = i end\n"
      "assert(cross(load(code)(table.unpack(args)))() == 180 * 181 // 2)\n"
      "local all = {'return {'}\n"
      "for i = 1, 20000 do all[i + 1] = ('\"s%d\",'):format(i) end\n"
      "all[#all + 1] = '}'\n"
      "assert(cross(load(table.concat(all)))()[20000] == 's20000')\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(upvalues_are_copied),
      cmocka_unit_test(shared_upvalues_stay_shared),
      cmocka_unit_test(recursion),
      cmocka_unit_test(globals_are_the_receivers),
      cmocka_unit_test(tracebacks),
      cmocka_unit_test(stripped_functions),
      cmocka_unit_test(every_shape_of_function),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
