/* Tasks in C: a worker calls a function of a shared library that knows mooncrew.h and not
 * Lua. Values cross as a message of the codec: the libmooncrew that the library is linked
 * with reads and writes it. */
#include "base/frame.h"
#include "bind/helper.h"
#include "include/mooncrew.h"

#include <dlfcn.h>
#include <lauxlib.h>

typedef int (*apply_function)(mooncrew_function function, const unsigned char *bytes,
                              size_t length, unsigned char **out, size_t *out_length);
typedef void (*free_function)(unsigned char *out);

struct library {
  mooncrew_function function;
  apply_function apply;
  free_function release;
};

/* The library stays open: dlopen counts, and knows it again. */
static struct library open_library(lua_State *L, const char *path, const char *symbol) {
  struct library library;
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    luaL_error(L, "library: %s", dlerror());
  *(void **)&library.function = dlsym(handle, symbol);
  *(void **)&library.apply = dlsym(handle, "mooncrew_apply");
  *(void **)&library.release = dlsym(handle, "mooncrew_apply_free");
  if (!library.function)
    luaL_error(L, "library: %s has no function '%s'", path, symbol);
  if (!library.apply || !library.release)
    luaL_error(L, "library: %s is not linked with libmooncrew", path);
  return library;
}

struct output {
  free_function release;
  unsigned char *bytes;
};

static int output_gc(lua_State *L) {
  struct output *output = lua_touserdata(L, 1);
  if (output->bytes)
    output->release(output->bytes);
  output->bytes = NULL;
  return 0;
}

/* call_library(path, symbol, …) → what the function pushed */
static int call_library(lua_State *L) {
  struct library library =
      open_library(L, luaL_checkstring(L, 1), luaL_checkstring(L, 2));
  struct output *output = lua_newuserdatauv(L, sizeof *output, 0);
  *output = (struct output){.release = library.release};
  if (luaL_newmetatable(L, "mooncrew.library.output")) {
    lua_pushcfunction(L, output_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  lua_insert(L, 3); /* where it lives until its values are decoded */
  struct wire_bytes in;
  struct wire_bytes out = {0};
  wire_encode(L, 4, lua_gettop(L) - 3, "args[]", &in);
  if (in.n_refs)
    return luaL_error(L, "library: args: no shared objects expected, got some");
  int code =
      library.apply(library.function, in.bytes, in.length, &output->bytes, &out.length);
  out.bytes = output->bytes;
  lua_settop(L, 3);
  int n = output->bytes ? wire_decode(L, &out) : 0;
  if (code == MOONCREW_OK)
    return n;
  if (n == 0)
    return luaL_error(L, "library: the function failed with %d", code);
  lua_settop(L, 4);
  return lua_error(L);
}

void bind_open_library(lua_State *L) {
  lua_pushcfunction(L, call_library);
  lua_setfield(L, -2, "call_library");
}
