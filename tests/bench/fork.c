/* The limit of process.lua: a bare fork, one call of an empty Lua function in the child,
 * and the wait for its end, N times one after another. bench_fork N */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

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
  int n = argc == 2 ? atoi(argv[1]) : 0, ended = 0;
  lua_State *L = luaL_newstate();
  if (n < 1 || !L) {
    fprintf(stderr, "usage: bench_fork N\n");
    return 2;
  }
  luaL_openlibs(L);
  if (luaL_loadstring(L, "") != LUA_OK)
    return 1;
  double start = now();
  for (int i = 0; i < n; i++)
    ended += run_child(L);
  printf("%d %.6f %d\n", n, now() - start, ended);
  lua_close(L);
  return 0;
}
