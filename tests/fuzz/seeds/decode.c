/* Writes the seeds of the decoder's corpus: FOLDER/seed-01 ... */
#include "decode.h"

#include <stdio.h>

static int write_seeds(lua_State *L) {
  const char *folder = lua_touserdata(L, 1);
  seeds_ready(L);
  for (size_t i = 0; i < SEEDS; i++) {
    struct wire_bytes out;
    char path[4096];
    seeds_encode(L, i, &out);
    snprintf(path, sizeof path, "%s/seed-%02zu", folder, i + 1);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(out.bytes, 1, out.length, file) != out.length || fclose(file))
      return luaL_error(L, "cannot write %s", path);
    lua_settop(L, 0);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  lua_State *L = luaL_newstate();
  lua_pushcfunction(L, write_seeds);
  lua_pushlightuserdata(L, argv[1]);
  int status = lua_pcall(L, 1, 0, 0);
  if (status != LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status == LUA_OK ? 0 : 1;
}
