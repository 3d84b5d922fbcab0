/* Lua mode: luaopen_mooncrew in a state of the host whose allocations fail in turn. It is
 * an error of Lua, which the host catches, and the state can be closed; in the same state
 * the module can be opened once there is memory. */
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_failures)};
  return cmocka_run_group_tests(tests, load_module, NULL);
}
