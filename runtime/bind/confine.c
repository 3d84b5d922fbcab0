#include "bind/confine.h"

#include "base/error.h"
#include "base/size.h"
#include "bind/current.h"
#include "bind/error.h"
#include "bind/lua_limit.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define CLASS "mooncrew.confine"

#define LEAST_MEMORY ((uint64_t)1 << 20)
#define MOST_MEMORY  ((uint64_t)1 << 46)
#define MOST_CPU     1e9
#define MOST_FILES   (1 << 20)

struct options {
  struct mc_limits limits;
  bool sandboxed;
  struct mc_sandbox_options sandbox; /* its paths are strings of the user value */
  struct mc_sandbox_path paths[];
};

/* ---- reading ---- */

/* Pushes "NAME: EXPECTED expected, got VALUE" of the value at `index`. */
static bool refuse(lua_State *L, const char *name, const char *expected, int index) {
  index = lua_absindex(L, index);
  bool plain = lua_isnumber(L, index) || lua_isboolean(L, index);
  const char *got = plain ? luaL_tolstring(L, index, NULL) : luaL_typename(L, index);
  if (lua_type(L, index) == LUA_TSTRING)
    got = lua_pushfstring(L, "'%s'", lua_tostring(L, index));
  lua_pushfstring(L, "%s: %s expected, got %s", name, expected, got);
  return false;
}

/* Whether the table at `index` has string keys of the list alone. */
static bool check_keys(lua_State *L, const char *name, int index,
                       const char *const *known) {
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    const char *const *k = known;
    while (*k && strcmp(*k, key) != 0)
      k++;
    if (*k)
      continue;
    const char *text = luaL_tolstring(L, -1, NULL);
    lua_pushfstring(L, "%s: unknown option '%s'", name, text);
    return false;
  }
  return true;
}

/* The bytes that a size asks for: a number, or a text such as "256M"; 0 when it is none.
 */
static uint64_t to_size(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TSTRING)
    return mc_parse_size(lua_tostring(L, index));
  int whole;
  lua_Integer n = lua_tointegerx(L, index, &whole);
  return whole && n > 0 ? (uint64_t)n : 0;
}

static bool read_limits(lua_State *L, int index, struct mc_limits *limits) {
  static const char *const known[] = {"memory", "cpu", "files", NULL};
  if (!lua_istable(L, index))
    return refuse(L, "limits", "a table", index);
  if (!check_keys(L, "limits", index, known))
    return false;
  if (lua_getfield(L, index, "memory") != LUA_TNIL) {
    limits->memory = to_size(L, -1);
    if (limits->memory < LEAST_MEMORY || limits->memory > MOST_MEMORY)
      return refuse(L, "limits.memory", "a size of 1M or more, such as \"256M\",", -1);
  }
  if (lua_getfield(L, index, "cpu") != LUA_TNIL) {
    lua_Number n = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    if (!(n > 0 && n <= MOST_CPU))
      return refuse(L, "limits.cpu", "a number of seconds above 0", -1);
    limits->cpu = (uint32_t)ceil(n);
  }
  if (lua_getfield(L, index, "files") != LUA_TNIL) {
    int whole = 0;
    lua_Integer n = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
    if (!whole || n < 0 || n > MOST_FILES)
      return refuse(L, "limits.files", "a whole number from 0 to 1048576", -1);
    limits->files = (uint32_t)n;
    limits->files_limited = true;
  }
  return true;
}

/* Checks a list of paths, and appends them to the table at `all`. */
static bool read_paths(lua_State *L, int sandbox, const char *field, int all) {
  lua_pushfstring(L, "sandbox.%s", field);
  const char *name = lua_tostring(L, -1);
  if (lua_getfield(L, sandbox, field) == LUA_TNIL)
    return true;
  if (!lua_istable(L, -1))
    return refuse(L, name, "a list of paths", -1);
  int list = lua_gettop(L);
  lua_Integer n = (lua_Integer)lua_rawlen(L, list);
  lua_pushnil(L);
  while (lua_next(L, list)) {
    lua_pop(L, 1);
    if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || lua_tointeger(L, -1) > n)
      return refuse(L, name, "a list of paths without holes and names", list);
  }
  for (lua_Integer i = 1; i <= n; i++) {
    size_t length;
    lua_rawgeti(L, list, i);
    const char *path =
        lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    if (!path || length == 0 || strlen(path) != length)
      return refuse(L, lua_pushfstring(L, "%s[%I]", name, i), "a path", -2);
    lua_rawseti(L, all, (lua_Integer)lua_rawlen(L, all) + 1);
  }
  return true;
}

static bool read_flag(lua_State *L, int sandbox, const char *name, bool *flag) {
  int type = lua_getfield(L, sandbox, name);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    return refuse(L, lua_pushfstring(L, "sandbox.%s", name), "true or false", -2);
  *flag = lua_toboolean(L, -1);
  return true;
}

/* Fills the table at `all` with the paths: those to read first, *n_read of them. */
static bool read_sandbox(lua_State *L, int index, struct mc_sandbox_options *sandbox,
                         int all, size_t *n_read) {
  static const char *const known[] = {"read", "write", "network", "best_effort", NULL};
  if (!lua_istable(L, index))
    return refuse(L, "sandbox", "a table", index);
  if (!check_keys(L, "sandbox", index, known) || !read_paths(L, index, "read", all))
    return false;
  *n_read = lua_rawlen(L, all);
  return read_paths(L, index, "write", all) &&
         read_flag(L, index, "network", &sandbox->network) &&
         read_flag(L, index, "best_effort", &sandbox->best_effort);
}

bool bind_confine_read(lua_State *L, int limits, int sandbox) {
  struct options read = {.sandboxed = !lua_isnil(L, sandbox)};
  size_t n_read = 0;
  limits = lua_absindex(L, limits);
  sandbox = lua_absindex(L, sandbox);
  if (lua_isnil(L, limits) && !read.sandboxed) {
    lua_pushnil(L);
    return true;
  }
  luaL_checkstack(L, 20, NULL);
  lua_newtable(L);
  int all = lua_gettop(L);
  if (!lua_isnil(L, limits) && !read_limits(L, limits, &read.limits))
    return false;
  if (read.sandboxed && !read_sandbox(L, sandbox, &read.sandbox, all, &n_read))
    return false;
  read.sandbox.n_paths = lua_rawlen(L, all);
  size_t size = sizeof read + read.sandbox.n_paths * sizeof read.paths[0];
  struct options *options = lua_newuserdatauv(L, size, 1);
  *options = read;
  options->sandbox.paths = options->paths;
  for (size_t i = 0; i < read.sandbox.n_paths; i++) {
    lua_rawgeti(L, all, (lua_Integer)i + 1);
    options->paths[i] = (struct mc_sandbox_path){lua_tostring(L, -1), i >= n_read};
    lua_pop(L, 1);
  }
  lua_pushvalue(L, all);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, CLASS);
  return true;
}

/* ---- doing ---- */

static void push_sandbox_failure(lua_State *L, enum mc_sandbox_fault fault,
                                 const char *path, int error) {
  static const char way_out[] = "(best_effort = true does without)";
  switch (fault) {
  case MC_SANDBOX_PATH:
    lua_pushfstring(L, "sandbox: %s: %s", path, mc_strerror(error));
    break;
  case MC_SANDBOX_LANDLOCK:
    lua_pushfstring(L, "sandbox: this kernel can't confine paths, it has no Landlock %s",
                    way_out);
    break;
  case MC_SANDBOX_SECCOMP:
    lua_pushfstring(L, "sandbox: this kernel can't filter system calls, it has no %s %s",
                    "seccomp filters", way_out);
    break;
  }
}

int bind_confine_prepare(lua_State *L, int index, struct mc_confine *confine) {
  *confine = (struct mc_confine){.sandbox.rules = -1};
  if (lua_isnil(L, index))
    return 0;
  const struct options *options = luaL_checkudata(L, index, CLASS);
  confine->limits = options->limits;
  confine->sandboxed = options->sandboxed;
  if (!options->sandboxed)
    return 0;
  enum mc_sandbox_fault fault;
  const char *path = NULL;
  int error = mc_sandbox_prepare(&confine->sandbox, &options->sandbox, &fault, &path);
  if (error)
    push_sandbox_failure(L, fault, path, error);
  return error;
}

void bind_confine_drop(struct mc_confine *confine) {
  mc_sandbox_drop(&confine->sandbox);
}

bool bind_confines(const struct mc_confine *confine) {
  return confine->sandboxed || confine->limits.memory || confine->limits.cpu ||
         confine->limits.files_limited;
}

void bind_confine_push_failure(lua_State *L, enum mc_confine_step step, int error) {
  static const char *const steps[] = {[MC_STEP_START] = "",
                                      [MC_STEP_LIMITS] = "limits: ",
                                      [MC_STEP_SANDBOX] = "sandbox: "};
  lua_pushfstring(L, "%s%s", steps[step], mc_strerror(error));
}

static int explain(lua_State *L) {
  lua_pushfstring(L,
                  "the sandbox of process '%s' may hide its file: list the folder in "
                  "sandbox.read, or require the module before the process is started",
                  bind_current_name());
  return 1;
}

static void explain_require(lua_State *L) {
  int top = lua_gettop(L);
  if (lua_getglobal(L, "package") == LUA_TTABLE &&
      lua_getfield(L, -1, "searchers") == LUA_TTABLE) {
    lua_pushcfunction(L, explain);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  lua_settop(L, top);
}

void bind_confine_begin(lua_State *L, const struct mc_confine *confine) {
  if (confine->limits.memory)
    bind_lua_limit(L, confine->limits.memory);
  if (confine->sandboxed)
    explain_require(L);
}

void bind_confine_out_of_memory(lua_State *L) {
  mc_limits_give_reserve();
  bind_lua_limit_give_reserve();
  lua_gc(L, LUA_GCCOLLECT);
  lua_pop(L, 1);
  bind_push_error(L, "NoMemory", "not enough memory");
  lua_pushstring(L, bind_current_name());
  lua_setfield(L, -2, "process");
  lua_pushinteger(L, getpid());
  lua_setfield(L, -2, "pid");
}

/* ---- for lua/mooncrew ---- */

/* confine(limits, sandbox) → what pool() takes; or nil and what is wrong */
static int confine(lua_State *L) {
  lua_settop(L, 2);
  if (bind_confine_read(L, 1, 2))
    return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

/* size(value) → bytes; nil when it is no size */
static int size(lua_State *L) {
  luaL_checkany(L, 1);
  uint64_t bytes = to_size(L, 1);
  if (bytes == 0 || bytes > MOST_MEMORY)
    return 0;
  lua_pushinteger(L, (lua_Integer)bytes);
  return 1;
}

void bind_open_confine(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  lua_pop(L, 1);
  lua_pushcfunction(L, confine);
  lua_setfield(L, -2, "confine");
  lua_pushcfunction(L, size);
  lua_setfield(L, -2, "size");
}
