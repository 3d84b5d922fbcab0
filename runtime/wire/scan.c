/* The order of the passes is the order of preference: a name of the standard library
 * leads to the function in every process, a global that some script made may not. */
#include "wire/scan.h"

#include "wire/state.h"

#include <stdbool.h>
#include <string.h>

#define MAX_KEYS 3 /* module, key, key */
#define MAX_NESTED                                                                       \
  4096 /* entries looked at in a table inside a module: it may be a cache */

static const char *const standard[] = {"string", "table",     "math",  "io",      "os",
                                       "utf8",   "coroutine", "debug", "package", NULL};
static const char *const basic[] = {
    "assert",   "collectgarbage", "dofile",   "error",        "getmetatable",
    "ipairs",   "load",           "loadfile", "next",         "pairs",
    "pcall",    "print",          "rawequal", "rawget",       "rawlen",
    "rawset",   "require",        "select",   "setmetatable", "tonumber",
    "tostring", "type",           "warn",     "xpcall",       NULL};

enum pass { STANDARD, BASIC, OTHERS, NESTED, GLOBALS, PASSES };

/* Stack indices of the tables that a scan uses. */
struct scan {
  lua_State *L;
  int self;
  int container;
  int key;
  int loaded;
};

static bool is_one_of(const char *name, const char *const *list) {
  for (; *list; list++)
    if (strcmp(name, *list) == 0)
      return true;
  return false;
}

static bool is_key(lua_State *L, int at) {
  return lua_type(L, at) == LUA_TSTRING || lua_isinteger(L, at);
}

/* Notes that the value on top lies in `container` under the key below it, unless it is
 * known. */
static void note(const struct scan *scan, int container) {
  lua_State *L = scan->L;
  int value = lua_gettop(L);
  int keys = wire_path_of(L, scan->self, value);
  lua_settop(L, value);
  if (keys)
    return;
  lua_pushvalue(L, value);
  lua_pushvalue(L, container);
  lua_rawset(L, scan->container);
  lua_pushvalue(L, value);
  lua_pushvalue(L, value - 1);
  lua_rawset(L, scan->key);
}

/* Notes the entries of the table at `at`; with `deeper` only those of the tables in it.
 */
static void scan_table(const struct scan *scan, int at, enum pass pass, bool deeper,
                       int limit) {
  lua_State *L = scan->L;
  lua_pushnil(L);
  int key = lua_gettop(L);
  while (lua_next(L, at) && limit--) {
    bool table = lua_istable(L, key + 1);
    bool wanted = is_key(L, key) && (table || lua_iscfunction(L, key + 1));
    if (pass == BASIC || pass == GLOBALS)
      wanted = wanted && !table && lua_type(L, key) == LUA_TSTRING &&
               (pass == GLOBALS || is_one_of(lua_tostring(L, key), basic));
    if (wanted && !deeper)
      note(scan, at);
    else if (wanted && table && !lua_rawequal(L, key + 1, scan->loaded))
      scan_table(scan, key + 1, pass, false, MAX_NESTED);
    lua_settop(L, key);
  }
  lua_settop(L, key - 1);
}

/* Does this pass look at the module whose name is at `name`? */
static bool in_pass(lua_State *L, int name, enum pass pass) {
  const char *text = lua_tostring(L, name);
  bool globals = strcmp(text, "_G") == 0;
  switch (pass) {
  case STANDARD:
    return is_one_of(text, standard);
  case OTHERS:
  case NESTED:
    return !globals;
  default:
    return globals;
  }
}

static void scan_pass(const struct scan *scan, enum pass pass) {
  lua_State *L = scan->L;
  lua_pushnil(L);
  int key = lua_gettop(L);
  while (lua_next(L, scan->loaded)) {
    if (lua_type(L, key) == LUA_TSTRING && in_pass(L, key, pass)) {
      if (lua_istable(L, key + 1) || lua_iscfunction(L, key + 1))
        note(scan, scan->loaded);
      if (lua_istable(L, key + 1))
        scan_table(scan, key + 1, pass, pass == NESTED, INT32_MAX);
    }
    lua_settop(L, key);
  }
}

void wire_scan(lua_State *L, int self) {
  int top = lua_gettop(L);
  struct scan scan = {L, self, top + 1, top + 2, top + 3};
  lua_getiuservalue(L, self, WIRE_UV_CONTAINER);
  lua_getiuservalue(L, self, WIRE_UV_KEY);
  lua_getiuservalue(L, self, WIRE_UV_LOADED);
  for (enum pass pass = STANDARD; pass < PASSES; pass++)
    scan_pass(&scan, pass);
  lua_settop(L, top);
}

int wire_path_of(lua_State *L, int self, int at) {
  int top = lua_gettop(L);
  int container = top + 1, key = top + 2, loaded = top + 3, value = top + 4;
  lua_getiuservalue(L, self, WIRE_UV_CONTAINER);
  lua_getiuservalue(L, self, WIRE_UV_KEY);
  lua_getiuservalue(L, self, WIRE_UV_LOADED);
  lua_pushvalue(L, at);
  for (int keys = 1; keys <= MAX_KEYS; keys++) {
    lua_pushvalue(L, value);
    lua_rawget(L, key); /* stays: keys gather above `value` */
    lua_pushvalue(L, value);
    if (lua_rawget(L, container) != LUA_TTABLE)
      break;
    lua_pushvalue(L, -2);
    lua_rawget(L, -2); /* does the container still hold it there? */
    if (!lua_rawequal(L, -1, value))
      break;
    lua_pop(L, 1);
    if (lua_rawequal(L, -1, loaded)) {
      lua_pop(L, 1);
      for (int i = 0; i < 4; i++)
        lua_remove(L, container);
      return keys;
    }
    lua_replace(L, value);
  }
  lua_settop(L, top);
  return 0;
}
