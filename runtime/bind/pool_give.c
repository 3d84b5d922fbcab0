/* Tasks that are given to a pool in one step, without a look at each by Lua: calls
 * without options, and the items of a list. */
#include "bind/pool_send.h"

#include "base/error.h"
#include "bind/error.h"

#include <lauxlib.h>

#define MOST_ARGS 100 /* in one step */

static void withdraw(lua_State *L, struct bind_pool *pool, uint64_t id) {
  bind_pool_push_tasks(L);
  struct bind_entry *entry = bind_ledger_find(&pool->ledger, id);
  bind_ledger_leave(L, &pool->ledger, lua_gettop(L), entry);
  lua_pop(L, 1);
}

/* Enters the task, whose object is at `object`, into the ledger and puts it into the
 * outbox. Raises when memory runs out; then nothing has changed. Neither starts a
 * collection, so what was encoded stays as long. */
static void add(lua_State *L, struct bind_pool *pool, int object, lua_Integer item,
                struct mc_task_head *head, const struct bind_function *function,
                const struct wire_bytes *arguments) {
  const struct wire_bytes encoded = bind_function_bytes(function);
  int tasks = lua_gettop(L) + 1;
  bind_pool_push_tasks(L);
  head->id = bind_ledger_enter(L, &pool->ledger, tasks, object, item);
  if (!bind_outbox_add(&pool->outbox, head, &encoded, arguments)) {
    withdraw(L, pool, head->id);
    luaL_error(L, "not enough memory");
  }
  lua_settop(L, tasks - 1);
}

/* Pushes the arguments in the table at `args`: how many; -1: that needs more thought. */
static int push_args(lua_State *L, int args) {
  if (lua_isnil(L, args))
    return 0;
  if (lua_getmetatable(L, args)) {
    lua_pop(L, 1);
    return -1;
  }
  lua_pushliteral(L, "n");
  int type = lua_rawget(L, args);
  lua_Integer n = type == LUA_TNIL ? (lua_Integer)lua_rawlen(L, args) : -1;
  if (lua_isinteger(L, -1))
    n = lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (n < 0 || n > MOST_ARGS)
    return -1;
  luaL_checkstack(L, (int)n + 8, NULL);
  for (lua_Integer i = 1; i <= n; i++)
    lua_rawgeti(L, args, i);
  return (int)n;
}

/* pool:start(result, function, timeout, args): gives a call whose outcome needs no more
 * than to be noted in the Result → false: that can't be done now, or not in this way;
 * nothing has changed. Raises when it can't be sent at all. */
static int pool_start(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  const struct bind_function *function = bind_check_function(L, 3);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 5);
  int n = pool->outbox.n == 0 ? push_args(L, 5) : -1;
  if (n < 0) {
    lua_pushboolean(L, false);
    return 1;
  }
  struct mc_task_head head = bind_task_head(L, function, BIND_CALL, 4);
  struct wire_bytes arguments;
  wire_encode(L, 6, n, "args[]", &arguments);
  add(L, pool, 2, BIND_CALL_ONLY, &head, function, &arguments);
  lua_pushinteger(L, (lua_Integer)head.id);
  lua_setfield(L, 2, "id");
  int done = bind_outbox_put(&pool->outbox, 0, pool->tasks);
  bind_outbox_clear(&pool->outbox);
  if (done < 0)
    withdraw(L, pool, head.id);
  if (done < 0 && done != MC_NOMEM)
    return bind_raise(L, "Pool", done);
  lua_pushboolean(L, done == 1);
  return 1;
}

struct items {
  struct bind_pool *pool;
  const struct bind_function *function;
  struct mc_task_head head;
  lua_Integer next, last;
};

/* (pool, items, common, list) */
static int add_items(lua_State *L) {
  struct items *items = lua_touserdata(L, 2);
  while (items->next <= items->last && !bind_outbox_is_full(&items->pool->outbox)) {
    struct wire_bytes arguments;
    wire_encode_list(L, 4, items->next, items->next, "list", &arguments);
    add(L, items->pool, 3, items->next, &items->head, items->function, &arguments);
    items->next++;
  }
  return 0;
}

/* pool:submit_items(common, mode, function, timeout, capture, list, first, last): the
 * items from `first` on, a task each, are ready to go, until it is time to flush → how
 * many of them; and when the next one can't be sent, why not */
static int pool_submit_items(lua_State *L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 7, LUA_TTABLE);
  lua_Integer first = luaL_checkinteger(L, 8);
  struct items items = {
      .pool = bind_check_pool(L),
      .function = bind_check_function(L, 4),
      .next = first,
      .last = luaL_checkinteger(L, 9),
  };
  enum bind_task_mode mode = (enum bind_task_mode)luaL_checkinteger(L, 3);
  items.head = bind_task_head(L, items.function, mode, 5);
  items.head.capture = (uint32_t)luaL_optinteger(L, 6, 0);
  lua_settop(L, 7);
  lua_pushcfunction(L, add_items);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, &items);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 7);
  bool good = lua_pcall(L, 4, 0, 0) == LUA_OK;
  lua_pushinteger(L, items.next - first);
  if (good)
    return 1;
  lua_insert(L, -2);
  return 2;
}

static const luaL_Reg methods[] = {
    {"start", pool_start},
    {"submit_items", pool_submit_items},
    {NULL, NULL},
};

void bind_open_pool_give(lua_State *L) {
  luaL_setfuncs(L, methods, 0);
}
