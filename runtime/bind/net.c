#include "bind/net.h"

#include "bind/error.h"
#include "bind/net/parts.h"
#include "bind/place.h"
#include "bind/wait.h"
#include "crew/loop.h"
#include "include/mooncrew.h"

#include <dlfcn.h>
#include <lauxlib.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static const struct bind_core core = {
    .loop = mc_loop,
    .wait_new = bind_wait_new,
    .wait = bind_wait,
    .block = bind_block,
    .in_task = bind_in_task,
    .outcome = bind_outcome,
    .push_error = bind_push_error,
};

static const struct bind_net *net; /* NULL: not loaded */

/* true, with the path on top, when there is a file in our own place; false, with what was
 * tried on top, in the words of package.searchpath. */
static bool find_beside(lua_State *L) {
  static const char *const of_binary[] = {"/../lib/lua/5.4", "/lib/lua/5.4", NULL};
  static const char *const of_module[] = {"", NULL};
  char folder[PATH_MAX];
  bool is_module;
  lua_pushliteral(L, "");
  if (!bind_place(folder, sizeof folder, &is_module))
    return false;
  for (const char *const *way = is_module ? of_module : of_binary; *way; way++) {
    const char *path = lua_pushfstring(L, "%s%s/mooncrew/net.so", folder, *way);
    if (access(path, F_OK) == 0) {
      lua_remove(L, -2);
      return true;
    }
    lua_pushfstring(L, "%s\n\tno file '%s'", lua_tostring(L, -2), path);
    lua_replace(L, -3);
    lua_pop(L, 1);
  }
  return false;
}

/* Pushes the path of net.so, or raises an error that says where it was looked for. */
static const char *find(lua_State *L, const char *module) {
  if (find_beside(L))
    return lua_tostring(L, -1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "package");
  lua_remove(L, -2);
  lua_getfield(L, -1, "searchpath");
  lua_pushliteral(L, "mooncrew.net");
  lua_getfield(L, -3, "cpath");
  lua_call(L, 2, 2);
  if (lua_isnil(L, -2))
    luaL_error(L, "%s: its part mooncrew/net.so is not there:%s\n\t%s", module,
               lua_tostring(L, -4), lua_tostring(L, -1));
  lua_pop(L, 1);
  return lua_tostring(L, -1);
}

static void load(lua_State *L, const char *module) {
  const char *path = find(L, module);
  /* It itself is linked to be bound at once. What libcurl needs of a dozen libraries for
   * other protocols is bound when used, which is never. */
  void *object = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (!object)
    luaL_error(L, "%s: cannot load its part: %s", module, dlerror());
  const struct bind_net *found = dlsym(object, BIND_NET_SYMBOL);
  if (!found || strcmp(found->version, MOONCREW_VERSION) != 0) {
    lua_pushfstring(L, "%s: cannot use its part %s: expected mooncrew %s, got %s", module,
                    path, MOONCREW_VERSION, found ? found->version : "something else");
    dlclose(object);
    lua_error(L);
  }
  found->use(&core);
  net = found; /* stays until the process ends, as libcurl would have it */
}

/* Leaves the library's table of functions in `net`, and the module loaded for its errors.
 */
static void need(lua_State *L, const char *module) {
  luaL_requiref(L, "mooncrew", luaopen_mooncrew, 0);
  if (!net)
    load(L, module);
  lua_settop(L, 0);
}

int bind_load_http(lua_State *L) {
  need(L, "mooncrew.http");
  return net->open_http(L);
}

int bind_load_html(lua_State *L) {
  need(L, "mooncrew.html");
  return net->open_html(L);
}

void bind_net_forked(void) {
  if (net)
    net->forked();
}
