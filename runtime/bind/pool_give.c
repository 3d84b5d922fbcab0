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

/* Upvalues of start_call(): names of fields, and the state of a new Result. */
enum { OWNER = 1, FN, ARGS, ID, STATE, PENDING, UPVALUES = PENDING };

/* Sets a field of the table at `table` to the value at `value`. */
static void set(lua_State *L, int table, int field, int value) {
  lua_pushvalue(L, lua_upvalueindex(field));
  lua_pushvalue(L, value);
  lua_rawset(L, table);
}

/* Pushes a new Result: lua/mooncrew/result.lua. There is room for what is noted later. */
static void push_result(lua_State *L) {
  lua_createtable(L, 0, 8);
  int result = lua_gettop(L);
  set(L, result, OWNER, 5);
  set(L, result, FN, 2);
  set(L, result, ARGS, 4);
  set(L, result, STATE, lua_upvalueindex(PENDING));
  lua_pushvalue(L, 6);
  lua_setmetatable(L, result);
}

/* Sends what is in the outbox, the task `id` alone. false: there is no room for it now.
 */
static bool send(lua_State *L, struct bind_pool *pool, uint64_t id) {
  int done = bind_outbox_put(&pool->outbox, 0, pool->tasks);
  bind_outbox_clear(&pool->outbox);
  if (done < 0)
    withdraw(L, pool, id);
  if (done < 0 && done != MC_NOMEM)
    bind_raise(L, "Pool", done);
  return done == 1;
}

/* start_call(pool, function, timeout, args, owner, class): gives a call whose outcome
 * needs no more than to be noted in a Result → the Result, of that class; or nil: that
 * can't be done now, or not in this way, and nothing has changed. Raises when it can't be
 * sent at all. */
static int start_call(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  const struct bind_function *function = bind_check_function(L, 2);
  luaL_checktype(L, 6, LUA_TTABLE);
  lua_settop(L, 6);
  push_result(L);
  int n = pool->outbox.n == 0 ? push_args(L, 4) : -1;
  if (n < 0)
    return 0;
  struct mc_task_head head = bind_task_head(L, function, BIND_CALL, 3);
  unsigned char room[WIRE_SCALAR_ROOM];
  struct wire_bytes arguments;
  if (n != 1 || !wire_encode_scalar(L, 8, room, &arguments))
    wire_encode(L, 8, n, "args[]", &arguments);
  add(L, pool, 7, BIND_CALL_ONLY, &head, function, &arguments);
  lua_pushinteger(L, (lua_Integer)head.id);
  set(L, 7, ID, lua_gettop(L));
  if (!send(L, pool, head.id))
    return 0;
  lua_settop(L, 7);
  return 1;
}

void bind_open_pool_call(lua_State *L) {
  static const char *const names[] = {"owner", "fn", "args", "id", "state", "pending"};
  for (int i = 0; i < UPVALUES; i++)
    lua_pushstring(L, names[i]);
  lua_pushcclosure(L, start_call, UPVALUES);
  lua_setfield(L, -2, "start_call");
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
    unsigned char room[WIRE_SCALAR_ROOM];
    struct wire_bytes arguments;
    lua_rawgeti(L, 4, items->next);
    if (!wire_encode_scalar(L, -1, room, &arguments))
      wire_encode_list(L, 4, items->next, items->next, "list", items->next, &arguments);
    lua_pop(L, 1);
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
    {"submit_items", pool_submit_items},
    {NULL, NULL},
};

void bind_open_pool_items(lua_State *L) {
  luaL_setfuncs(L, methods, 0);
}
