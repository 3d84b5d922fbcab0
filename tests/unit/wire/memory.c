/* Memory that runs out, at each allocation in turn: an error, nothing lost, and it works
 * again. */
#include "fixture.h"

#include <stdlib.h>

struct budget {
  size_t used;  /* bytes that the state holds */
  bool limited; /* after `left` more allocations all fail */
  long left;
};

static void *allocate(void *data, void *block, size_t old_size, size_t new_size) {
  struct budget *budget = data;
  if (!block)
    old_size = 0; /* Lua passes a type there */
  if (new_size > old_size && budget->limited && budget->left-- <= 0)
    return NULL;
  budget->used += new_size - old_size;
  if (new_size)
    return realloc(block, new_size);
  free(block);
  return NULL;
}

static const char *const values[] = {
    "return {1, 2, x = {y = 'z'}, s = ('x'):rep(5000)}",
    "local t = {} for i = 1, 200 do t[i] = {i} end return t, {table.unpack(t)}",
    "local n, f = 0 function f() n = n + 1 return f, print end return f, {f, print}",
    "return setmetatable({}, {__index = string, __tostring = print}), string, Class",
    "local t = {} for i = 1, 30 do t[i] = handle(i) end return t",
};

/* Tells whether it was done within `allocations`; if not it must have been for want of
 * memory. */
static bool cross_within(const char *code, long allocations) {
  struct budget budget = {0};
  lua_State *L = fixture_state(allocate, &budget);
  assert_int_equal(luaL_dostring(L, "Class = {} class('Class', Class)"), LUA_OK);
  for (int round = 0; round < 2; round++) {
    lua_settop(L, 0);
    lua_getglobal(L, "cross");
    assert_int_equal(luaL_dostring(L, code), LUA_OK);
    budget.limited = round == 0;
    budget.left = allocations;
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    budget.limited = false;
    if (status == LUA_OK && round == 0)
      allocations = -1;
    else if (round == 0)
      assert_non_null(strstr(lua_tostring(L, -1), "not enough memory"));
    else
      assert_int_equal(status, LUA_OK);
  }
  lua_close(L);
  assert_int_equal(budget.used, 0);
  return allocations < 0;
}

static void every_allocation_fails_in_turn(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    long allocations = 0;
    while (!cross_within(values[i], allocations))
      allocations++;
    assert_true(allocations > 3);
  }
}

/* wire_open and registering: what fails there leaves nothing either. */
static int open_and_register(lua_State *L) {
  wire_open(L, &fixture_hooks);
  lua_newtable(L);
  wire_register_class(L, "C", -1);
  wire_register_constant(L, "K", -1);
  return 0;
}

static void opening_fails_in_turn(void **state) {
  (void)state;
  int status = LUA_ERRMEM;
  for (long allocations = 0; status != LUA_OK; allocations++) {
    struct budget budget = {0};
    lua_State *L = lua_newstate(allocate, &budget);
    luaL_openlibs(L);
    lua_pushcfunction(L, open_and_register);
    budget.limited = true;
    budget.left = allocations;
    status = lua_pcall(L, 0, 0, 0);
    budget.limited = false;
    lua_settop(L, 0);
    lua_pushcfunction(L, open_and_register);
    assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_OK);
    lua_close(L);
    assert_int_equal(budget.used, 0);
  }
}

/* A buffer that a big message needed is given back after many small ones. */
static void big_buffers_are_given_back(void **state) {
  (void)state;
  struct budget budget = {0};
  lua_State *L = fixture_state(allocate, &budget);
  struct wire_bytes out;
  lua_pushlstring(L, "", 0);
  wire_encode(L, 1, 1, "item", &out);
  lua_gc(L, LUA_GCCOLLECT);
  size_t before = budget.used;
  assert_int_equal(luaL_dostring(L, "local t = {} for i = 1, 100000 do t[i] = {i} end\n"
                                    "bytes(t, ('x'):rep(9 << 20))"),
                   LUA_OK);
  lua_gc(L, LUA_GCCOLLECT);
  assert_true(budget.used > before + (9 << 20));
  for (int i = 0; i < 100; i++)
    wire_encode(L, 1, 1, "item", &out);
  lua_gc(L, LUA_GCCOLLECT);
  assert_true(budget.used < before + 100000);
  lua_close(L);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_fails_in_turn),
      cmocka_unit_test(opening_fails_in_turn),
      cmocka_unit_test(big_buffers_are_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
