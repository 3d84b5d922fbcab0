/* The limit of who gets values: stock Lua makes N strings of 100 bytes, or N tables
 * {id=i, name="x", tags={1, 2, 3}}, by its C API and nothing else, and its collector
 * takes them away. bench_values string|table N */
#include "bench/support/limit.h"

#include <lauxlib.h>
#include <string.h>

#define LENGTH 100
#define TAGS   3

static void make_string(lua_State *L, long i) {
  char bytes[LENGTH];
  memset(bytes, 'x', sizeof bytes);
  memcpy(bytes, &i, sizeof i);
  lua_pushlstring(L, bytes, sizeof bytes);
}

static void make_table(lua_State *L, long i) {
  lua_createtable(L, 0, 3);
  lua_pushlstring(L, "id", 2);
  lua_pushinteger(L, i);
  lua_rawset(L, -3);
  lua_pushlstring(L, "name", 4);
  lua_pushlstring(L, "x", 1);
  lua_rawset(L, -3);
  lua_pushlstring(L, "tags", 4);
  lua_createtable(L, TAGS, 0);
  for (lua_Integer tag = 1; tag <= TAGS; tag++) {
    lua_pushinteger(L, tag);
    lua_rawseti(L, -2, tag);
  }
  lua_rawset(L, -3);
}

/* Whether what is on top is value i. */
static int is_right(lua_State *L, long i) {
  if (lua_type(L, -1) == LUA_TSTRING)
    return !memcmp(lua_tostring(L, -1), &i, sizeof i);
  int right = lua_getfield(L, -1, "id") == LUA_TNUMBER && lua_tointeger(L, -1) == i;
  lua_pop(L, 1);
  return right;
}

int main(int argc, char *argv[]) {
  long n = count_of(argc, argv, 1, "bench_values string|table N"), right = 0;
  void (*make)(lua_State *, long) = !strcmp(argv[1], "string") ? make_string : make_table;
  lua_State *L = luaL_newstate();
  if (!L)
    return 1;
  double start = now();
  for (long i = 0; i < n; i++) {
    make(L, i);
    right += is_right(L, i);
    lua_pop(L, 1);
  }
  printf("%ld %.6f %ld\n", n, now() - start, right);
  lua_close(L);
  return 0;
}
