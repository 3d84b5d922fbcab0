/* The limit of what a program in Lua does once an operation: lua_call of an empty C
 * function with one argument and one result. bench_call N */
#include "bench/support/limit.h"

#include <lauxlib.h>

static int same(lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

int main(int argc, char *argv[]) {
  long n = count_of(argc, argv, 0, "bench_call N"), right = 0;
  lua_State *L = luaL_newstate();
  if (!L)
    return 1;
  lua_pushcfunction(L, same);
  double start = now();
  for (long i = 0; i < n; i++) {
    lua_pushvalue(L, 1);
    lua_pushinteger(L, i);
    lua_call(L, 1, 1);
    right += lua_tointeger(L, -1) == i;
    lua_pop(L, 1);
  }
  printf("%ld %.6f %ld\n", n, now() - start, right);
  lua_close(L);
  return 0;
}
