/* A host with a Lua of its own: the module in its state, by name and by luaopen. */
#include "host.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <libgen.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>

/* The module is in lib/lua/5.4 of the build that this program is of. */
static const char *module(void) {
  static char path[4200];
  char self[4096] = "";
  assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  snprintf(path, sizeof path, "%s/lib/lua/5.4/mooncrew.so", dirname(dirname(self)));
  return path;
}

static const char *const script =
    "local mooncrew = ... local p = mooncrew.Pool(2) "
    "local r = p:map(function(x) return x * x end, { 1, 2, 3 }) "
    "p:close() p:join() return r[1] + r[2] + r[3]";

/* Opens the module by its function, as a host that links with it does. */
static int open_module(lua_State *L) {
  void *handle = dlopen(module(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return luaL_error(L, "%s", dlerror());
  lua_CFunction open;
  *(void **)&open = dlsym(handle, "luaopen_mooncrew");
  lua_pushcfunction(L, open);
  lua_call(L, 0, 1);
  return 1;
}

static int run_script(lua_State *L) {
  luaL_openlibs(L);
  luaL_requiref(L, "mooncrew", open_module, 0);
  if (luaL_loadstring(L, script) != LUA_OK)
    return lua_error(L);
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  return 1;
}

/* In a child: a process has one shared memory, and these have it in different ways. */
static int in_child(int (*body)(void)) {
  int status = -1;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    _exit(body());
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* 0: the script gave 14; 1: an error, whose text is on stderr when it is not wanted. */
static int run_state(const char *wanted) {
  lua_State *L = luaL_newstate();
  lua_pushcfunction(L, run_script);
  int status = lua_pcall(L, 0, 1, 0);
  int code = 1;
  if (status == LUA_OK)
    code = lua_tointeger(L, -1) != 14;
  else if (wanted && strstr(lua_tostring(L, -1), wanted))
    code = 0;
  else
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return code;
}

static int plain(void) {
  return run_state(NULL);
}

static void *sleep_on(void *data) {
  pause();
  return data;
}

static void start_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, sleep_on, NULL);
}

static int with_a_thread(void) {
  start_thread();
  return run_state("the process has 2 threads");
}

static int with_a_thread_allowed(void) {
  start_thread();
  setenv("MOONCREW_ALLOW_THREADS", "1", 1);
  return run_state(NULL);
}

/* Both at once: a runtime beside the host's own Lua. */
static int with_a_runtime(void) {
  mooncrew *host = NULL;
  if (mooncrew_open(NULL, &host, NULL))
    return 1;
  int code = run_state(NULL);
  if (mooncrew_run(host, "os", "time", NULL, NULL, NULL))
    code = 2;
  return mooncrew_close(host, 0) ? 3 : code;
}

/* Its streams are its own, on a terminal too, where workers may show bars. */
static int in_a_terminal(void) {
  int other = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (other < 0 || grantpt(other) || unlockpt(other))
    return 2;
  int end = open(ptsname(other), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (end < 0 || dup2(end, STDOUT_FILENO) < 0 || dup2(end, STDERR_FILENO) < 0)
    return 3;
  const FILE *const streams[] = {stdout, stderr};
  int code = run_state(NULL);
  return streams[0] != stdout || streams[1] != stderr ? 4 : code;
}

static void test_terminal(void **state) {
  (void)state;
  assert_int_equal(in_child(in_a_terminal), 0);
}

static void test_plain(void **state) {
  (void)state;
  assert_int_equal(in_child(plain), 0);
}

static void test_threads(void **state) {
  (void)state;
  assert_int_equal(in_child(with_a_thread), 0);
  assert_int_equal(in_child(with_a_thread_allowed), 0);
}

static void test_runtime(void **state) {
  (void)state;
  assert_int_equal(in_child(with_a_runtime), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_terminal),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_runtime),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
