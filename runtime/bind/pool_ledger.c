/* Which tasks of a pool are under way. */
#include "bind/pool.h"

#include <lauxlib.h>

void bind_pool_push_tasks(lua_State *L) {
  lua_getiuservalue(L, 1, BIND_POOL_TASKS);
}

/* pool:remember(task) → its id */
static int pool_remember(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  bind_pool_push_tasks(L);
  uint64_t id = bind_ledger_enter(L, &pool->ledger, 3, 2, BIND_TASK);
  lua_pushinteger(L, (lua_Integer)id);
  return 1;
}

/* Pushes a task; or, of an item that is none yet, what the items of its map have in
 * common, and its number. */
static int push_entry(lua_State *L, const struct bind_entry *entry) {
  bind_ledger_push(L, 3, entry);
  if (entry->item < 1)
    return 1;
  lua_pushinteger(L, entry->item);
  return 2;
}

static struct bind_entry *find(lua_State *L, struct bind_pool **pool) {
  *pool = bind_check_pool(L);
  lua_Integer id = luaL_checkinteger(L, 2);
  lua_settop(L, 2);
  bind_pool_push_tasks(L);
  return bind_ledger_find(&(*pool)->ledger, (uint64_t)id);
}

/* pool:find(id) → the task, or common and number of an item; nothing: it is over */
static int pool_find(lua_State *L) {
  struct bind_pool *pool;
  const struct bind_entry *entry = find(L, &pool);
  return entry ? push_entry(L, entry) : 0;
}

/* pool:forget(id) → the same, and it is under way no more */
static int pool_forget(lua_State *L) {
  struct bind_pool *pool;
  struct bind_entry *entry = find(L, &pool);
  if (!entry)
    return 0;
  int n = push_entry(L, entry);
  bind_ledger_leave(L, &pool->ledger, 3, entry);
  return n;
}

/* pool:replace(id, task): the item has become a task of its own */
static int pool_replace(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  bind_pool_push_tasks(L);
  struct bind_entry *entry =
      bind_ledger_find(&pool->ledger, (uint64_t)luaL_checkinteger(L, 2));
  luaL_argcheck(L, entry, 2, "no such task");
  lua_pushvalue(L, 3);
  bind_ledger_replace(L, 4, entry);
  return 0;
}

/* pool:ids() → a list of the ids of all tasks under way */
static int pool_ids(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  const struct bind_ledger *ledger = &pool->ledger;
  lua_createtable(L, (int)ledger->n, 0);
  lua_Integer n = 0;
  for (uint32_t slot = 1; slot <= ledger->high; slot++) {
    if (ledger->entries[slot].id == 0)
      continue;
    lua_pushinteger(L, (lua_Integer)ledger->entries[slot].id);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* pool:under_way(): how many tasks are */
static int pool_under_way(lua_State *L) {
  lua_pushinteger(L, bind_check_pool(L)->ledger.n);
  return 1;
}

static const luaL_Reg methods[] = {
    {"remember", pool_remember},
    {"find", pool_find},
    {"forget", pool_forget},
    {"replace", pool_replace},
    {"ids", pool_ids},
    {"under_way", pool_under_way},
    {NULL, NULL},
};

void bind_open_pool_ledger(lua_State *L) {
  luaL_setfuncs(L, methods, 0);
}
