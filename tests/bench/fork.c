/* The limit of process.lua: a bare fork, one call of an empty Lua function in the child,
 * and the wait for its end, N times one after another. bench_fork N */
#include "bench/support/limit.h"

#include <lauxlib.h>
#include <lualib.h>

/* Forks a child that calls the function on top, and waits. true: it ended with status 0.
 */
static int run_child(lua_State *L) {
  pid_t pid = fork();
  if (pid < 0)
    return 0;
  if (pid == 0) {
    lua_pushvalue(L, -1);
    _exit(lua_pcall(L, 0, 0, 0) == LUA_OK ? 0 : 1);
  }
  int status;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char *argv[]) {
  long n = count_of(argc, argv, 0, "bench_fork N"), ended = 0;
  lua_State *L = luaL_newstate();
  if (!L)
    return 1;
  luaL_openlibs(L);
  if (luaL_loadstring(L, "") != LUA_OK)
    return 1;
  double start = now();
  for (long i = 0; i < n; i++)
    ended += run_child(L);
  printf("%ld %.6f %ld\n", n, now() - start, ended);
  lua_close(L);
  return 0;
}
