/* Indices are 1-based here and 0-based in share. As for dicts, values are made into bytes
 * before, and from bytes after, the lock of the list is held in share. */
#include "bind/list.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/shared_table.h"
#include "bind/shared_value.h"
#include "share/list.h"

#include <lauxlib.h>

static mc_ref check_list(lua_State *L) {
  return bind_check_handle(L, 1, BIND_LIST_CLASS);
}

/* The index at `arg`, 0-based; raises when it is no integer. Negative ones and 0 become
 * UINT64_MAX or so, which is outside of any list. */
static uint64_t check_index(lua_State *L, int arg, const char *function) {
  int is_integer = 0;
  lua_Integer i = 0;
  if (lua_type(L, arg) == LUA_TNUMBER)
    i = lua_tointegerx(L, arg, &is_integer);
  if (!is_integer)
    luaL_error(L, "%s: a whole number expected as the index, got %s", function,
               luaL_tolstring(L, arg, NULL));
  return (uint64_t)i - 1;
}

static int out_of_range(lua_State *L, const char *function, uint64_t i, uint64_t most) {
  bind_push_error(L, mc_error_kind(MC_RANGE), "%s: index %I is outside of 1 ... %I",
                  function, (LUAI_UACINT)i + 1, (LUAI_UACINT)most);
  return lua_error(L);
}

static int fail(lua_State *L, mc_ref list, const char *function, int error, uint64_t i,
                bool one_more) {
  if (error == MC_RANGE)
    return out_of_range(L, function, i, mc_list_size(list) + one_more);
  return bind_raise(L, function, error);
}

/* A value that is not nil. */
static void check_value(lua_State *L, int arg, const char *function,
                        struct mc_value *value, mc_ref *room) {
  if (lua_isnoneornil(L, arg))
    luaL_error(L, "%s: a list has no holes: nil can't be put into it (use pop or remove)",
               function);
  bind_to_value(L, arg, value, room);
}

/* Pushes element i or nil. */
static int push_element(lua_State *L, mc_ref list, uint64_t i) {
  struct mc_batch *batch = bind_batch();
  int found = mc_list_get(list, i, batch);
  if (found < 0)
    return bind_raise(L, "list", found);
  if (found)
    bind_push_only(L, batch);
  else
    lua_pushnil(L);
  return 1;
}

static int list_index(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    return 1;
  }
  mc_ref list = check_list(L);
  return push_element(L, list, check_index(L, 2, "list"));
}

static int list_newindex(lua_State *L) {
  mc_ref list = check_list(L);
  struct mc_value value;
  mc_ref room;
  uint64_t i = check_index(L, 2, "list");
  check_value(L, 3, "list", &value, &room);
  int error = mc_list_set(list, i, &value);
  return error ? fail(L, list, "list", error, i, true) : 0;
}

static int list_len(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mc_list_size(check_list(L)));
  return 1;
}

static int list_append(lua_State *L) {
  mc_ref list = check_list(L);
  struct mc_value value;
  mc_ref room;
  check_value(L, 2, "append", &value, &room);
  int error = mc_list_append(list, &value, 1);
  return error ? bind_raise(L, "append", error) : 0;
}

static int list_appendleft(lua_State *L) {
  mc_ref list = check_list(L);
  struct mc_value value;
  mc_ref room;
  check_value(L, 2, "appendleft", &value, &room);
  int error = mc_list_append_left(list, &value);
  return error ? bind_raise(L, "appendleft", error) : 0;
}

static int list_insert(lua_State *L) {
  mc_ref list = check_list(L);
  struct mc_value value;
  mc_ref room;
  uint64_t i = check_index(L, 2, "insert");
  check_value(L, 3, "insert", &value, &room);
  int error = mc_list_insert(list, i, &value);
  return error ? fail(L, list, "insert", error, i, true) : 0;
}

/* Pushes what was taken out, or nil, Empty. */
static int push_taken(lua_State *L, struct mc_batch *batch, int taken,
                      const char *function) {
  if (taken < 0)
    return bind_raise(L, function, taken);
  if (taken == 0)
    return bind_outcome(L, MC_EMPTY);
  bind_push_only(L, batch);
  return 1;
}

static int list_pop(lua_State *L) {
  mc_ref list = check_list(L);
  if (lua_isnoneornil(L, 2)) {
    struct mc_batch *batch = bind_batch();
    return push_taken(L, batch, mc_list_pop(list, batch), "pop");
  }
  uint64_t i = check_index(L, 2, "pop");
  struct mc_batch *batch = bind_batch();
  int taken = mc_list_take(list, i, batch);
  if (taken == MC_RANGE)
    return mc_list_size(list) == 0 ? bind_outcome(L, MC_EMPTY)
                                   : fail(L, list, "pop", taken, i, false);
  return push_taken(L, batch, taken, "pop");
}

static int list_popleft(lua_State *L) {
  mc_ref list = check_list(L);
  struct mc_batch *batch = bind_batch();
  return push_taken(L, batch, mc_list_pop_left(list, batch), "popleft");
}

/* The value to look for at 2. false: nothing can be equal to it. */
static bool check_sought(lua_State *L, struct mc_value *value, mc_ref *room) {
  luaL_checkany(L, 2);
  if (lua_isnil(L, 2) || bind_is_plain_table(L, 2))
    return false;
  bind_to_value(L, 2, value, room);
  return true;
}

static int list_remove(lua_State *L) {
  mc_ref list = check_list(L);
  struct mc_value value;
  mc_ref room;
  int removed = 0;
  if (check_sought(L, &value, &room))
    removed = mc_list_remove(list, &value);
  if (removed < 0)
    return bind_raise(L, "remove", removed);
  lua_pushboolean(L, removed);
  return 1;
}

static int list_find(lua_State *L) {
  mc_ref list = check_list(L);
  struct mc_value value;
  mc_ref room;
  uint64_t i = 0;
  if (!lua_isnoneornil(L, 3))
    i = check_index(L, 3, "index");
  if (check_sought(L, &value, &room) && mc_list_find(list, &value, &i))
    lua_pushinteger(L, (lua_Integer)i + 1);
  else
    lua_pushnil(L);
  return 1;
}

static int list_count(lua_State *L) {
  mc_ref list = check_list(L);
  struct mc_value value;
  mc_ref room;
  uint64_t n = 0;
  if (check_sought(L, &value, &room))
    n = mc_list_count(list, &value);
  lua_pushinteger(L, (lua_Integer)n);
  return 1;
}

static int list_reverse(lua_State *L) {
  int error = mc_list_reverse(check_list(L));
  return error ? bind_raise(L, "reverse", error) : 0;
}

static int list_clear(lua_State *L) {
  int error = mc_list_clear(check_list(L));
  return error ? bind_raise(L, "clear", error) : 0;
}

static int list_copy(lua_State *L) {
  bind_copy_plain(L, check_list(L));
  return 1;
}

static int list_incr(lua_State *L) {
  mc_ref list = check_list(L);
  struct mc_value by = {.form = MC_INTEGER, .integer = 1};
  struct mc_value result;
  uint64_t i = check_index(L, 2, "incr");
  if (!lua_isnoneornil(L, 3))
    bind_check_number(L, 3, &by);
  int error = mc_list_increment(list, i, &by, &result);
  if (error)
    return fail(L, list, "incr", error, i, false);
  bind_push_number(L, &result);
  return 1;
}

/* Pushes a plain table with all the elements as they are at one instant, and the list's
 * version then. */
static void push_snapshot(lua_State *L, mc_ref list, const char *function,
                          uint64_t *version) {
  struct mc_batch *batch = bind_batch_new(L);
  int64_t n = mc_list_slice(list, 0, UINT64_MAX, SIZE_MAX, version, batch);
  if (n < 0)
    bind_raise(L, function, (int)n);
  lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
  for (int64_t i = 0; i < n; i++) {
    bind_push_item(L, batch, (size_t)i);
    lua_rawseti(L, -2, i + 1);
  }
  mc_batch_free(batch);
  lua_remove(L, -2);
}

static int list_extend(lua_State *L) {
  mc_ref list = check_list(L);
  mc_ref other;
  lua_settop(L, 2);
  if (bind_handle_ref(L, 2, &other) && mc_object_kind(other) == MC_KIND_LIST) {
    uint64_t version;
    push_snapshot(L, other, "extend", &version);
    lua_replace(L, 2);
  }
  luaL_checktype(L, 2, LUA_TTABLE);
  bind_append_all(L, list, 2, "extend");
  return 0;
}

/* pairs(l) goes over the elements as they are now, whatever others do meanwhile. */
static int next_of_snapshot(lua_State *L) {
  lua_Integer i = lua_tointeger(L, lua_upvalueindex(2)) + 1;
  lua_pushinteger(L, i);
  lua_copy(L, -1, lua_upvalueindex(2));
  if (lua_rawgeti(L, lua_upvalueindex(1), i) != LUA_TNIL)
    return 2;
  lua_pushnil(L);
  return 1;
}

static int list_pairs(lua_State *L) {
  uint64_t version;
  push_snapshot(L, check_list(L), "pairs", &version);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_of_snapshot, 2);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static int list_tostring(lua_State *L) {
  lua_pushfstring(L, "%s: %I elements", BIND_LIST_CLASS,
                  (LUAI_UACINT)mc_list_size(check_list(L)));
  return 1;
}

/* mooncrew.list([t]) */
static int make_list(lua_State *L) {
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    mc_ref list;
    int error = mc_list_create(&list);
    if (error)
      return bind_raise(L, "list", error);
    bind_handle_adopt(L, list);
    return 1;
  }
  luaL_argcheck(L, bind_is_plain_table(L, 1), 1, "a plain table expected");
  bind_share_as_list(L, 1);
  return 1;
}

static const luaL_Reg methods[] = {
    {"append", list_append},
    {"appendleft", list_appendleft},
    {"extend", list_extend},
    {"insert", list_insert},
    {"pop", list_pop},
    {"popleft", list_popleft},
    {"remove", list_remove},
    {"index", list_find},
    {"count", list_count},
    {"reverse", list_reverse},
    {"clear", list_clear},
    {"copy", list_copy},
    {"incr", list_incr},
    {"items", list_pairs},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__newindex", list_newindex}, {"__len", list_len}, {"__pairs", list_pairs},
    {"__tostring", list_tostring}, {NULL, NULL},
};

static const char methods_key; /* registry: where lua/mooncrew/tables.lua adds sort */

void bind_open_list(lua_State *L) {
  luaL_newlib(L, metamethods);
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &methods_key);
  lua_pushcclosure(L, list_index, 1);
  lua_setfield(L, -2, "__index");
  bind_handle_class(L, MC_KIND_LIST, BIND_LIST_CLASS);
  lua_pushcfunction(L, make_list);
  lua_setfield(L, -2, "list");
}

/* ---- for sort ---- */

/* list_snapshot(l): table, version */
static int list_snapshot(lua_State *L) {
  uint64_t version;
  push_snapshot(L, check_list(L), "sort", &version);
  lua_pushinteger(L, (lua_Integer)version);
  return 2;
}

/* list_permute(l, version, order): false when somebody wrote meanwhile */
static int list_permute(lua_State *L) {
  mc_ref list = check_list(L);
  uint64_t version = (uint64_t)luaL_checkinteger(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_Unsigned n = lua_rawlen(L, 3);
  uint64_t *order = lua_newuserdatauv(L, n * sizeof(*order) + 1, 0);
  char *seen = lua_newuserdatauv(L, n + 1, 0);
  memset(seen, 0, n + 1);
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, 3, (lua_Integer)i + 1);
    lua_Unsigned from = (lua_Unsigned)lua_tointeger(L, -1) - 1;
    if (from >= n || seen[from]++)
      return luaL_error(L, "sort: the order is no order");
    order[i] = from;
    lua_pop(L, 1);
  }
  int error = mc_list_permute(list, version, order, n);
  if (error && error != MC_CHANGED)
    return bind_raise(L, "sort", error);
  lua_pushboolean(L, !error);
  return 1;
}

void bind_open_list_parts(lua_State *L) {
  lua_pushcfunction(L, list_snapshot);
  lua_setfield(L, -2, "list_snapshot");
  lua_pushcfunction(L, list_permute);
  lua_setfield(L, -2, "list_permute");
  lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key);
  lua_setfield(L, -2, "list_methods");
}
