/* Lua mode: luaopen_mooncrew in a state of the host whose allocations fail in turn. It is
 * an error of Lua, which the host catches, and the state can be closed; in the same state
 * the module can be opened once there is memory. And a message that is received without
 * memory for it stays in its queue. */
#include "embed/support/memory.h"
#include "host.h"

#include <dlfcn.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static lua_CFunction open_mooncrew;

static void *allocate(void *data, void *block, size_t old_size, size_t size) {
  (void)old_size;
  return memory_allocate(data, block, size);
}

static int open_module(lua_State *L) {
  luaL_requiref(L, "mooncrew", open_mooncrew, 0);
  return 0;
}

static const char script[] = "local mooncrew = require 'mooncrew' "
                             "local q = mooncrew.Queue() q:put(14) return q:get()";

static int run_script(lua_State *L) {
  if (luaL_loadstring(L, script) != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 1);
  return 1;
}

static int open_libraries(lua_State *L) {
  luaL_openlibs(L);
  return 0;
}

/* The status of Lua with that allocation failing; the number of them. */
static int try_open(long failing_call, long *made) {
  lua_State *L = lua_newstate(allocate, NULL);
  lua_pushcfunction(L, open_libraries);
  lua_call(L, 0, 0);
  lua_pushcfunction(L, open_module);
  memory_count(failing_call);
  int status = lua_pcall(L, 0, 0, 0);
  *made = memory_calls();
  memory_count(0);
  if (status != LUA_OK) {
    if (!strstr(lua_tostring(L, -1), "not enough memory"))
      fail_msg("allocation %ld failed: %s", failing_call, lua_tostring(L, -1));
    lua_settop(L, 0);
    lua_pushcfunction(L, open_module);
    lua_call(L, 0, 0);
  }
  lua_pushcfunction(L, run_script);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK)
    fail_msg("allocation %ld failed, and later: %s", failing_call, lua_tostring(L, -1));
  assert_int_equal(lua_tointeger(L, -1), 14);
  lua_close(L);
  return status;
}

static void test_failures(void **state) {
  (void)state;
  unsigned descriptors = 0;
  long made = 0;
  for (long n = 1;; n++) {
    int status = try_open(n, &made);
    assert_int_equal(memory_in_use, 0);
    if (n == 1)
      descriptors = count_descriptors(); /* the shared memory's are the process's */
    assert_int_equal(count_descriptors(), descriptors);
    if (made < n) {
      assert_int_equal(status, LUA_OK);
      break;
    }
  }
  assert_true(made > 100);
  print_message("  luaopen_mooncrew: %ld allocations\n", made);
}

/* ---- a message for which there is no memory ---- */

static bool limited; /* after `left` more allocations all fail */
static long left;

static void *allocate_within(void *data, void *block, size_t old_size, size_t size) {
  if (limited && size > (block ? old_size : 0) && left-- <= 0)
    return NULL;
  return memory_allocate(data, block, size);
}

static const char *const receivers[] = {
    "return q:get()",
    "return q:get_nowait()",
    "return q:get_many(2)[1]",
};

static const char *const items[] = {
    "1 << 40",
    "('x'):rep(30)",
    "('x'):rep(200)",
    "('x'):rep(5000)",
    "{ 1, { ('y'):rep(50) }, name = 'z' }",
};

static void run_or_fail(lua_State *L, const char *code) {
  if (luaL_dostring(L, code) != LUA_OK)
    fail_msg("%s: %s", code, lua_tostring(L, -1));
}

/* true when it was received within so many allocations. Otherwise it is still there, and
 * is received then. */
static bool receive_within(lua_State *L, const char *receiver, long allocations) {
  run_or_fail(L, "q:put(item) collectgarbage()");
  assert_int_equal(luaL_loadstring(L, receiver), LUA_OK);
  left = allocations;
  limited = true;
  int status = lua_pcall(L, 0, 1, 0);
  limited = false;
  if (status != LUA_OK) {
    assert_int_equal(status, LUA_ERRMEM);
    run_or_fail(L, "assert(q:qsize() == 1)");
    run_or_fail(L, receiver);
  }
  lua_setglobal(L, "got");
  run_or_fail(L, "assert(q:empty() and same(item, got))");
  lua_settop(L, 0);
  return status == LUA_OK;
}

static void test_receive(void **state) {
  (void)state;
  lua_State *L = lua_newstate(allocate_within, NULL);
  luaL_openlibs(L);
  luaL_requiref(L, "mooncrew", open_mooncrew, 1);
  run_or_fail(L,
              "function same(a, b)"
              "  if type(a) ~= 'table' then return a == b end "
              "  for k, v in pairs(a) do if not same(v, b[k]) then return false end end "
              "  return true end "
              "q = mooncrew.Queue()");
  for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
    lua_pushfstring(L, "item = %s", items[i]);
    run_or_fail(L, lua_tostring(L, -1));
    for (size_t r = 0; r < sizeof receivers / sizeof *receivers; r++) {
      long allocations = 0;
      while (!receive_within(L, receivers[r], allocations))
        allocations++;
      if (i > 1 || r == 2) /* a number alone needs no memory */
        assert_true(allocations > 0);
    }
  }
  lua_close(L);
  assert_int_equal(memory_in_use, 0);
}

/* The module is in lib/lua/5.4 of the build that this program is of. */
static int load_module(void **state) {
  (void)state;
  char path[4200], self[4096] = "";
  assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  snprintf(path, sizeof path, "%s/lib/lua/5.4/mooncrew.so", dirname(dirname(self)));
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    fail_msg("%s", dlerror());
  *(void **)&open_mooncrew = dlsym(handle, "luaopen_mooncrew");
  return open_mooncrew == NULL;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_failures),
                                     cmocka_unit_test(test_receive)};
  return cmocka_run_group_tests(tests, load_module, NULL);
}
