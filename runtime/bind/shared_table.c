#include "bind/shared_table.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/gather.h"
#include "bind/handle.h"
#include "bind/shared_value.h"
#include "share/dict.h"
#include "share/list.h"

#include <lauxlib.h>

#define DEPTH_MAX 180 /* of tables in tables */

enum kind { BY_CONTENT, AS_DICT, AS_LIST };

/* How the conversion came to a value: from the value up to the table that is shared. */
struct step {
  const struct step *up;
  int key; /* stack index */
};

struct sharing {
  lua_State *L;
  int memo; /* stack index: plain table → handle, or false while it is being converted */
  int depth;
};

/* Pushes "value.log[2]". */
static const char *push_path(lua_State *L, const struct step *step) {
  if (step == NULL)
    return lua_pushliteral(L, "value");
  luaL_checkstack(L, 6, "the table is nested too deeply");
  push_path(L, step->up);
  if (lua_type(L, step->key) == LUA_TSTRING) {
    lua_pushfstring(L, ".%s", lua_tostring(L, step->key));
  } else {
    lua_pushliteral(L, "[");
    luaL_tolstring(L, step->key, NULL);
    lua_pushliteral(L, "]");
    lua_concat(L, 3);
  }
  lua_concat(L, 2);
  return lua_tostring(L, -1);
}

static void share(struct sharing *sharing, int table, enum kind kind,
                  const struct step *step);

/* The value on top, which is kept there as long as `value` is used. */
static void to_value(struct sharing *sharing, const struct step *step,
                     struct mc_value *value, mc_ref *room) {
  lua_State *L = sharing->L;
  int top = lua_gettop(L);
  if (bind_is_plain_table(L, top)) {
    share(sharing, top, BY_CONTENT, step);
    lua_replace(L, top);
  }
  if (!bind_is_complex(L, top)) {
    bind_to_value_as(L, top, "value", value, room);
    return;
  }
  const char *name = push_path(L, step);
  bind_to_value_as(L, top, name, value, room);
  lua_settop(L, top);
}

/* A sequence that is not empty, and nothing else. */
static bool is_sequence(lua_State *L, int table) {
  lua_Unsigned n = lua_rawlen(L, table);
  if (n == 0)
    return false;
  lua_Unsigned pairs = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    if (!lua_isinteger(L, -1) || (lua_Unsigned)lua_tointeger(L, -1) - 1 >= n) {
      lua_pop(L, 1);
      return false;
    }
    pairs++;
  }
  return pairs == n;
}

static void fill_list(struct sharing *sharing, int table, mc_ref list,
                      const struct step *up) {
  lua_State *L = sharing->L;
  lua_Integer n = (lua_Integer)lua_rawlen(L, table);
  struct step step = {up, lua_gettop(L) + 1};
  for (lua_Integer i = 1; i <= n; i++) {
    struct mc_value value;
    mc_ref room;
    lua_pushinteger(L, i);
    lua_rawgeti(L, table, i);
    if (lua_isnil(L, -1))
      luaL_error(L, "list: the table has a hole (%s is nil)", push_path(L, &step));
    to_value(sharing, &step, &value, &room);
    int error = mc_list_append(list, &value, 1);
    if (error)
      bind_raise(L, "list", error);
    lua_pop(L, 2);
  }
}

static void fill_dict(struct sharing *sharing, int table, mc_ref dict,
                      const struct step *up) {
  lua_State *L = sharing->L;
  lua_pushnil(L);
  struct step step = {up, lua_gettop(L)};
  while (lua_next(L, table)) {
    struct bind_key key;
    struct mc_value value;
    mc_ref room;
    bind_to_key(L, step.key, "dict", &key);
    to_value(sharing, &step, &value, &room);
    int error = mc_dict_set(dict, &key.key, &value);
    if (error)
      bind_raise(L, "dict", error);
    lua_pop(L, 1);
  }
}

/* Pushes the handle for the plain table. */
static void share(struct sharing *sharing, int table, enum kind kind,
                  const struct step *step) {
  lua_State *L = sharing->L;
  luaL_checkstack(L, 12, "the table is nested too deeply");
  lua_pushvalue(L, table);
  if (lua_rawget(L, sharing->memo) == LUA_TUSERDATA)
    return;
  if (lua_isboolean(L, -1))
    luaL_error(L, "a table that contains itself can't be shared (at %s)",
               push_path(L, step));
  lua_pop(L, 1);
  if (++sharing->depth > DEPTH_MAX)
    luaL_error(L, "a table that is nested too deeply can't be shared (more than %d)",
               DEPTH_MAX);
  bool list = kind == AS_LIST || (kind == BY_CONTENT && is_sequence(L, table));
  mc_ref ref;
  int error = list ? mc_list_create(&ref) : mc_dict_create(&ref);
  if (error)
    bind_raise(L, list ? "list" : "dict", error);
  bind_handle_adopt(L, ref);
  lua_pushvalue(L, table);
  lua_pushboolean(L, false);
  lua_rawset(L, sharing->memo);
  if (list)
    fill_list(sharing, table, ref, step);
  else
    fill_dict(sharing, table, ref, step);
  lua_pushvalue(L, table);
  lua_pushvalue(L, -2);
  lua_rawset(L, sharing->memo);
  sharing->depth--;
}

static struct sharing begin(lua_State *L) {
  luaL_checkstack(L, 12, NULL);
  lua_newtable(L);
  return (struct sharing){.L = L, .memo = lua_gettop(L)};
}

static void share_whole(lua_State *L, int index, enum kind kind) {
  index = lua_absindex(L, index);
  struct sharing sharing = begin(L);
  share(&sharing, index, kind, NULL);
  lua_remove(L, sharing.memo);
}

void bind_share_table(lua_State *L, int index) {
  share_whole(L, index, BY_CONTENT);
}

void bind_share_as_dict(lua_State *L, int index) {
  share_whole(L, index, AS_DICT);
}

void bind_share_as_list(lua_State *L, int index) {
  share_whole(L, index, AS_LIST);
}

/* ---- all or none ---- */

/* Shared tables that were made on the way are kept alive by the memo. */
void bind_append_all(lua_State *L, mc_ref list, int index, const char *function) {
  int top = lua_gettop(L);
  index = lua_absindex(L, index);
  struct sharing sharing = begin(L);
  struct bind_gather *gather = bind_gather_new(L);
  lua_Integer n = (lua_Integer)lua_rawlen(L, index);
  struct step step = {NULL, lua_gettop(L) + 1};
  for (lua_Integer i = 1; i <= n; i++) {
    struct mc_value value;
    mc_ref room;
    lua_pushinteger(L, i);
    lua_rawgeti(L, index, i);
    if (lua_isnil(L, -1))
      luaL_error(L, "%s: the table has a hole at %d", function, (int)i);
    to_value(&sharing, &step, &value, &room);
    bind_gather_add(L, gather, NULL, &value);
    lua_pop(L, 2);
  }
  const struct mc_value *values;
  size_t count = bind_gather_all(gather, NULL, &values);
  int error = mc_list_append(list, values, count);
  if (error)
    bind_raise(L, function, error);
  lua_settop(L, top);
}

void bind_update_all(lua_State *L, mc_ref dict, int index, const char *function) {
  int top = lua_gettop(L);
  index = lua_absindex(L, index);
  struct sharing sharing = begin(L);
  struct bind_gather *gather = bind_gather_new(L);
  lua_pushnil(L);
  struct step step = {NULL, lua_gettop(L)};
  while (lua_next(L, index)) {
    struct bind_key key;
    struct mc_value value;
    mc_ref room;
    bind_to_key(L, step.key, function, &key);
    to_value(&sharing, &step, &value, &room);
    bind_gather_add(L, gather, &key.key, &value);
    lua_pop(L, 1);
  }
  const struct mc_key *keys;
  const struct mc_value *values;
  size_t count = bind_gather_all(gather, &keys, &values);
  int error = mc_dict_update(dict, keys, values, count);
  if (error)
    bind_raise(L, function, error);
  lua_settop(L, top);
}

/* ---- copies ---- */

static void copy_plain(lua_State *L, mc_ref table, int memo, int depth);

/* The value on top is replaced by its copy. */
static void copy_value(lua_State *L, int memo, int depth) {
  mc_ref ref;
  if (!bind_handle_ref(L, -1, &ref))
    return;
  enum mc_kind kind = mc_object_kind(ref);
  if (kind != MC_KIND_DICT && kind != MC_KIND_LIST)
    return;
  copy_plain(L, ref, memo, depth); /* the handle stays below: it keeps the object */
  lua_remove(L, -2);
}

static void copy_dict(lua_State *L, mc_ref dict, int memo, int depth) {
  int to = lua_gettop(L);
  struct mc_batch *batch = bind_batch_new(L);
  uint64_t cursor = 0;
  int rc;
  while ((rc = mc_dict_next(dict, &cursor, BIND_ALONG, batch)) > 0) {
    for (size_t i = 0; i < (size_t)rc; i++) {
      const struct mc_item *item = mc_batch_item(batch, i);
      bind_push_key(L, batch, item);
      if (item->form == MC_ASK) {
        struct bind_key key;
        struct mc_batch *one = bind_batch();
        bind_to_key(L, -1, "copy", &key);
        int found = mc_dict_get(dict, &key.key, one);
        if (found < 0)
          bind_raise(L, "copy", found);
        if (found)
          bind_push_only(L, one);
        else
          lua_pushnil(L); /* removed meanwhile */
      } else {
        bind_push_item(L, batch, i);
      }
      copy_value(L, memo, depth);
      lua_rawset(L, to);
    }
    mc_batch_empty(batch);
  }
  if (rc < 0)
    bind_raise(L, "copy", rc);
  lua_settop(L, to);
}

static void copy_list(lua_State *L, mc_ref list, int memo, int depth) {
  int to = lua_gettop(L);
  struct mc_batch *batch = bind_batch_new(L);
  uint64_t version;
  int64_t n = mc_list_slice(list, 0, UINT64_MAX, SIZE_MAX, &version, batch);
  if (n < 0)
    bind_raise(L, "copy", (int)n);
  for (int64_t i = 0; i < n; i++) {
    bind_push_item(L, batch, (size_t)i);
    copy_value(L, memo, depth);
    lua_rawseti(L, to, i + 1);
  }
  mc_batch_free(batch);
  lua_settop(L, to);
}

static void copy_plain(lua_State *L, mc_ref table, int memo, int depth) {
  luaL_checkstack(L, 12, "the table is nested too deeply");
  if (lua_rawgeti(L, memo, table) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  if (depth > DEPTH_MAX)
    luaL_error(L, "copy: nested too deeply (more than %d)", DEPTH_MAX);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawseti(L, memo, table);
  if (mc_object_kind(table) == MC_KIND_DICT)
    copy_dict(L, table, memo, depth + 1);
  else
    copy_list(L, table, memo, depth + 1);
}

void bind_copy_plain(lua_State *L, mc_ref table) {
  luaL_checkstack(L, 12, NULL);
  lua_newtable(L);
  int memo = lua_gettop(L);
  copy_plain(L, table, memo, 0);
  lua_remove(L, memo);
}
