/* A dict's way: d.x = v checks the key, makes the value's bytes (may raise, no lock
 * held), and share writes the entry (can't raise). d.x: share copies the value out under
 * its lock, and Lua's value is made from the copy. */
#include "bind/dict.h"

#include "base/error.h"
#include "bind/dict_walk.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/shared_table.h"
#include "bind/shared_value.h"
#include "share/dict.h"

#include <lauxlib.h>

static mc_ref check_dict(lua_State *L) {
  return bind_check_handle(L, 1, BIND_DICT_CLASS);
}

/* Pushes the value of the key at 2, or leaves the stack as it is: false. */
static bool push_entry(lua_State *L, mc_ref dict, const char *function) {
  struct bind_key key;
  bind_to_key(L, 2, function, &key);
  struct mc_batch *batch = bind_batch();
  int found = mc_dict_get(dict, &key.key, batch);
  if (found < 0)
    bind_raise(L, function, found);
  if (found)
    bind_push_only(L, batch);
  return found;
}

/* Writes the value at 3 under the key at 2. */
static void set_entry(lua_State *L, mc_ref dict, const char *function) {
  struct bind_key key;
  struct mc_value value;
  mc_ref room;
  bind_to_key(L, 2, function, &key);
  bind_to_value(L, 3, &value, &room);
  int error = mc_dict_set(dict, &key.key, &value);
  if (error)
    bind_raise(L, function, error);
}

static int dict_index(lua_State *L) {
  if (!push_entry(L, check_dict(L), "dict"))
    lua_pushnil(L);
  return 1;
}

static int dict_newindex(lua_State *L) {
  set_entry(L, check_dict(L), "dict");
  return 0;
}

static int dict_get(lua_State *L) {
  mc_ref dict = check_dict(L);
  lua_settop(L, 3);
  push_entry(L, dict, "get"); /* else the default is on top */
  return 1;
}

static int dict_set(lua_State *L) {
  mc_ref dict = check_dict(L);
  luaL_checkany(L, 3);
  lua_settop(L, 3);
  set_entry(L, dict, "set");
  return 0;
}

static int dict_pop(lua_State *L) {
  mc_ref dict = check_dict(L);
  struct bind_key key;
  lua_settop(L, 3);
  bind_to_key(L, 2, "pop", &key);
  struct mc_batch *batch = bind_batch();
  int found = mc_dict_pop(dict, &key.key, batch);
  if (found < 0)
    return bind_raise(L, "pop", found);
  if (found)
    bind_push_only(L, batch);
  return 1;
}

static int dict_setdefault(lua_State *L) {
  mc_ref dict = check_dict(L);
  struct bind_key key;
  struct mc_value value;
  mc_ref room;
  luaL_checkany(L, 3);
  lua_settop(L, 3);
  if (push_entry(L, dict, "setdefault")) /* no need to share a table in vain */
    return 1;
  bind_to_key(L, 2, "setdefault", &key);
  bind_to_value(L, 3, &value, &room);
  struct mc_batch *batch = bind_batch();
  int found = mc_dict_set_default(dict, &key.key, &value, batch);
  if (found < 0)
    return bind_raise(L, "setdefault", found);
  if (found)
    bind_push_only(L, batch);
  return 1;
}

static int dict_incr(lua_State *L) {
  mc_ref dict = check_dict(L);
  struct bind_key key;
  struct mc_value by = {.form = MC_INTEGER, .integer = 1};
  struct mc_value init = {.form = MC_INTEGER, .integer = 0};
  struct mc_value result;
  if (!lua_isnoneornil(L, 3))
    bind_check_number(L, 3, &by);
  if (!lua_isnoneornil(L, 4))
    bind_check_number(L, 4, &init);
  bind_to_key(L, 2, "incr", &key);
  int error = mc_dict_increment(dict, &key.key, &by, &init, &result);
  if (error)
    return bind_raise(L, "incr", error);
  bind_push_number(L, &result);
  return 1;
}

static int dict_cas(lua_State *L) {
  mc_ref dict = check_dict(L);
  struct bind_key key;
  struct mc_value old;
  struct mc_value value;
  mc_ref room[2];
  luaL_checkany(L, 4);
  lua_settop(L, 4);
  bind_to_key(L, 2, "cas", &key);
  if (bind_is_plain_table(L, 3)) {
    lua_pushboolean(L, false);
    return 1;
  }
  bind_to_compare(L, 3, bind_is_complex(L, 4), "cas", &old, &room[0]);
  bind_to_value(L, 4, &value, &room[1]);
  int done = mc_dict_compare_set(dict, &key.key, &old, &value);
  if (done < 0)
    return bind_raise(L, "cas", done);
  lua_pushboolean(L, done);
  return 1;
}

static int dict_update(lua_State *L) {
  mc_ref dict = check_dict(L);
  mc_ref other;
  lua_settop(L, 2);
  if (bind_handle_ref(L, 2, &other) && mc_object_kind(other) == MC_KIND_DICT) {
    bind_dict_to_table(L, 2);
    lua_replace(L, 2);
  }
  luaL_checktype(L, 2, LUA_TTABLE);
  bind_update_all(L, dict, 2, "update");
  return 0;
}

static int dict_has(lua_State *L) {
  mc_ref dict = check_dict(L);
  struct bind_key key;
  bind_to_key(L, 2, "has", &key);
  lua_pushboolean(L, mc_dict_has(dict, &key.key));
  return 1;
}

static int dict_size(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mc_dict_size(check_dict(L)));
  return 1;
}

static int dict_clear(lua_State *L) {
  int error = mc_dict_clear(check_dict(L));
  return error ? bind_raise(L, "clear", error) : 0;
}

static int dict_copy(lua_State *L) {
  bind_copy_plain(L, check_dict(L));
  return 1;
}

static int dict_tostring(lua_State *L) {
  mc_ref dict = check_dict(L);
  lua_pushfstring(L, "%s: %I entries", BIND_DICT_CLASS, (LUAI_UACINT)mc_dict_size(dict));
  return 1;
}

/* mooncrew.dict([t]), by __call. */
static int make_dict(lua_State *L) {
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    mc_ref dict;
    int error = mc_dict_create(&dict);
    if (error)
      return bind_raise(L, "dict", error);
    bind_handle_adopt(L, dict);
    return 1;
  }
  luaL_argcheck(L, bind_is_plain_table(L, 2), 1, "a plain table expected");
  bind_share_as_dict(L, 2);
  return 1;
}

static const luaL_Reg functions[] = {
    {"get", dict_get},
    {"set", dict_set},
    {"pop", dict_pop},
    {"setdefault", dict_setdefault},
    {"incr", dict_incr},
    {"cas", dict_cas},
    {"update", dict_update},
    {"has", dict_has},
    {"size", dict_size},
    {"keys", bind_dict_keys},
    {"values", bind_dict_values},
    {"items", bind_dict_pairs},
    {"clear", dict_clear},
    {"copy", dict_copy},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__index", dict_index},
    {"__newindex", dict_newindex},
    {"__pairs", bind_dict_pairs},
    {"__tostring", dict_tostring},
    {NULL, NULL},
};

void bind_open_dict(lua_State *L) {
  luaL_newlib(L, metamethods);
  bind_handle_class(L, MC_KIND_DICT, BIND_DICT_CLASS);
  luaL_newlib(L, functions);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, make_dict);
  lua_setfield(L, -2, "__call");
  lua_setmetatable(L, -2);
  lua_setfield(L, -2, "dict");
}

/* ---- for modify ---- */

/* dict_read(d, k): value, version */
static int dict_read(lua_State *L) {
  mc_ref dict = check_dict(L);
  struct bind_key key;
  bind_to_key(L, 2, "modify", &key);
  struct mc_batch *batch = bind_batch();
  int found = mc_dict_get(dict, &key.key, batch);
  if (found < 0)
    return bind_raise(L, "modify", found);
  uint64_t version = found ? mc_batch_item(batch, 0)->version : 0;
  if (found)
    bind_push_only(L, batch);
  else
    lua_pushnil(L);
  lua_pushinteger(L, (lua_Integer)version);
  return 2;
}

/* dict_write(d, k, value, version): whether it was still that version */
static int dict_write(lua_State *L) {
  mc_ref dict = check_dict(L);
  struct bind_key key;
  struct mc_value value;
  mc_ref room;
  uint64_t version = (uint64_t)luaL_checkinteger(L, 4);
  bind_to_key(L, 2, "modify", &key);
  bind_to_value(L, 3, &value, &room);
  int done = mc_dict_version_set(dict, &key.key, version, &value);
  if (done < 0)
    return bind_raise(L, "modify", done);
  lua_pushboolean(L, done);
  return 1;
}

static int dict_take_turn(lua_State *L) {
  mc_dict_turn_take(check_dict(L));
  return 0;
}

static int dict_end_turn(lua_State *L) {
  mc_dict_turn_end(check_dict(L));
  return 0;
}

static const luaL_Reg parts[] = {
    {"dict_read", dict_read},
    {"dict_write", dict_write},
    {"dict_take_turn", dict_take_turn},
    {"dict_end_turn", dict_end_turn},
    {NULL, NULL},
};

void bind_open_dict_parts(lua_State *L) {
  luaL_setfuncs(L, parts, 0);
}
