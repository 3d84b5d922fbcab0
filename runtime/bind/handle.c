#include "bind/handle.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/traceback.h"
#include "wire/wire.h"

#include <lauxlib.h>
#include <string.h>

static const char handles_key; /* registry: reference → handle, weak */
static const char classes_key; /* registry: kind → metatable */
static const char class_key;   /* a handle's metatable: the address of the class's name */
static const char handle_mark; /* its address is what all handles have */

/* How handles of a kind come to a metatable of their own; NULL: they have their class's.
 */
static bind_handle_variant *variants[MC_KINDS];

static int handle_gc(lua_State *L) {
  struct bind_handle *handle = lua_touserdata(L, 1);
  if (handle->ref) {
    mc_object_drop(handle->ref);
    handle->ref = 0;
  }
  return 0;
}

static struct bind_handle *handle_at(lua_State *L, int index) {
  if (lua_rawlen(L, index) != sizeof(struct bind_handle)) /* a light one has 0 */
    return NULL;
  struct bind_handle *handle = lua_touserdata(L, index); /* of a table or string: NULL */
  return handle && handle->mark == &handle_mark ? handle : NULL;
}

static bool to_ref(lua_State *L, int index, uint32_t *ref) {
  const struct bind_handle *handle = handle_at(L, index);
  if (!handle || !handle->ref)
    return false;
  *ref = handle->ref;
  return true;
}

static const struct wire_hooks hooks = {to_ref, bind_handle_push, bind_push_where};

void bind_push_weak_table(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

void bind_open_handle(lua_State *L) {
  bind_push_weak_table(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &handles_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &classes_key);
  wire_open(L, &hooks);
}

void bind_handle_class(lua_State *L, enum mc_kind kind, const char *name) {
  lua_pushlightuserdata(L, (void *)name);
  lua_rawsetp(L, -2, &class_key);
  lua_pushcfunction(L, handle_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, name); /* where luaL_checkudata finds it */
  lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key);
  lua_insert(L, -2);
  lua_rawseti(L, -2, kind);
  lua_pop(L, 1);
}

void bind_handle_class_varies(enum mc_kind kind, bind_handle_variant *variant) {
  variants[kind] = variant;
}

/* Pushes a handle without an object yet: what can raise comes before the hold. */
static struct bind_handle *new_handle(lua_State *L, enum mc_kind kind, mc_ref ref) {
  struct bind_handle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = (struct bind_handle){0};
  lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key);
  if (lua_rawgeti(L, -1, kind) != LUA_TTABLE)
    luaL_error(L, "handle of an unknown kind (%d)", (int)kind);
  lua_rawgetp(L, -1, &class_key);
  handle->class = lua_touserdata(L, -1);
  handle->mark = &handle_mark;
  lua_pop(L, 1);
  if (variants[kind])
    variants[kind](L, ref);
  lua_setmetatable(L, -3);
  lua_pop(L, 1);
  return handle;
}

static void remember(lua_State *L, mc_ref ref) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &handles_key);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, ref);
  lua_pop(L, 1);
}

static int adopt(lua_State *L) {
  mc_ref ref = (mc_ref)lua_tointeger(L, 1);
  struct bind_handle *handle = new_handle(L, mc_object_kind(ref), ref);
  remember(L, ref);
  handle->ref = ref;
  return 1;
}

void bind_handle_adopt(lua_State *L, mc_ref ref) {
  if (!lua_checkstack(L, 8)) {
    mc_object_drop(ref);
    luaL_error(L, "stack overflow");
  }
  lua_pushcfunction(L, adopt);
  lua_pushinteger(L, ref);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    mc_object_drop(ref);
    lua_error(L);
  }
}

void bind_handle_take(lua_State *L, mc_ref ref) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &handles_key);
  bool there = lua_rawgeti(L, -1, ref) != LUA_TNIL;
  lua_remove(L, -2);
  if (there) {
    mc_object_drop(ref);
    return;
  }
  lua_pop(L, 1);
  bind_handle_adopt(L, ref);
}

bool bind_handle_ref(lua_State *L, int index, mc_ref *ref) {
  return to_ref(L, index, ref);
}

void bind_handle_push(lua_State *L, mc_ref ref) {
  luaL_checkstack(L, 8, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &handles_key);
  if (lua_rawgeti(L, -1, ref) != LUA_TNIL) {
    lua_remove(L, -2);
    return;
  }
  lua_pop(L, 2);
  enum mc_kind kind = mc_object_kind(ref);
  if (kind == MC_KIND_NONE)
    bind_raise(L, "get", MC_STALE);
  struct bind_handle *handle = new_handle(L, kind, ref);
  int error = mc_object_hold(ref);
  if (error)
    bind_raise(L, "get", error);
  handle->ref = ref;
  remember(L, ref);
}

const struct bind_handle *bind_test_handle(lua_State *L, int arg, const char *name) {
  const struct bind_handle *handle = handle_at(L, arg);
  /* Names are the same text nearly always at the same address. */
  if (handle && (handle->class == name || strcmp(handle->class, name) == 0))
    return handle;
  return NULL;
}

mc_ref bind_check_handle(lua_State *L, int arg, const char *name) {
  const struct bind_handle *handle = bind_test_handle(L, arg, name);
  return handle ? handle->ref
                : ((struct bind_handle *)luaL_checkudata(L, arg, name))->ref;
}
