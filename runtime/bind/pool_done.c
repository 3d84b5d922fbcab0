#include "bind/pool_done.h"

#include "bind/latch.h"
#include "crew/pool.h"
#include "wire/wire.h"

#include <lauxlib.h>
#include <string.h>

#define MOST 256 /* at a time: then it is Lua's turn, which may give more */

/* Stack of take_all(). */
enum { POOL = 1, RUN, TASKS, OUT, TASK };

/* Where the ledger's table has what the items of the run have in common. */
#define COMMON 0

struct run {
  struct bind_pool *pool;
  lua_Integer n;
  struct mc_lease lease; /* the result in hand */
  uint64_t id;           /* whose it is; 0: there is none */
};

/* The entry of the task whose result this is, when that just has to be noted. */
static const struct bind_entry *is_simple(const struct bind_pool *pool,
                                          const struct mc_lease *lease) {
  struct mc_result_head head;
  memcpy(&head, lease->bytes, sizeof head);
  bool item = head.status == MC_RESULT_MAPPED;
  if (!item && head.status != MC_RESULT_RETURNED)
    return NULL;
  const struct bind_entry *entry = bind_ledger_find(&pool->ledger, head.id);
  if (!entry || (item ? entry->item < 1 : entry->item != BIND_CALL_ONLY))
    return NULL;
  /* An item that raised has its error behind its result: more than one value. */
  bool raised = item && (head.item != 1 || lease->length <= sizeof head ||
                         lease->bytes[sizeof head] != 1);
  return raised ? NULL : entry;
}

/* Pushes the task. false: it does not go together with those before it. */
static bool joins(lua_State *L, const struct run *run, const struct bind_entry *entry) {
  bool call = entry->item == BIND_CALL_ONLY;
  bind_ledger_push(L, TASKS, entry);
  if (run->n > 0) {
    lua_rawgeti(L, TASKS, COMMON);
    bool same = call ? !lua_toboolean(L, -1) : lua_rawequal(L, TASK, -1);
    lua_pop(L, 1);
    return same;
  }
  if (call)
    return true;
  lua_pushvalue(L, TASK);
  lua_rawseti(L, TASKS, COMMON);
  lua_pushliteral(L, "out");
  lua_rawget(L, TASK);
  lua_replace(L, OUT);
  return true;
}

/* Sets a field of the Result to the value on top, which is popped. */
static void set(lua_State *L, const char *field) {
  lua_pushstring(L, field);
  lua_insert(L, -2);
  lua_rawset(L, TASK);
}

/* The n values on top are what the call returned: mooncrew.Result, in
 * lua/mooncrew/result.lua.
 */
static void note_call(lua_State *L, int n) {
  lua_pushliteral(L, "state");
  lua_rawget(L, TASK);
  lua_pushliteral(L, "pending");
  bool pending = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  if (!pending)
    return; /* it was cancelled */
  if (n != 1) {
    lua_createtable(L, n, 0);
    lua_insert(L, TASK + 1);
    for (int i = n; i >= 1; i--)
      lua_rawseti(L, TASK + 1, i);
  }
  set(L, "value");
  lua_pushinteger(L, n);
  set(L, "n");
  lua_pushliteral(L, "returned");
  set(L, "state");
  lua_pushliteral(L, "latch");
  if (lua_rawget(L, TASK) == LUA_TUSERDATA)
    ((struct bind_latch *)lua_touserdata(L, -1))->set = true;
}

/* Notes the values on top of the task: they are its results. It is over only then, since
 * memory may run out before. */
static void note(lua_State *L, struct run *run) {
  struct bind_ledger *ledger = &run->pool->ledger;
  struct bind_entry *entry = bind_ledger_find(ledger, run->id);
  if (!entry) /* what was run to decode it has ended it */
    return;
  if (entry->item == BIND_CALL_ONLY)
    note_call(L, lua_gettop(L) - TASK);
  else if (entry->item >= 1)
    lua_rawseti(L, OUT, entry->item);
  bind_ledger_leave(L, ledger, TASKS, entry);
  run->n++;
}

/* (pool, run) */
static int take_all(lua_State *L) {
  struct run *run = lua_touserdata(L, RUN);
  struct bind_inbox *inbox = &run->pool->inbox;
  const struct mc_lease *lease;
  luaL_checkstack(L, 16, NULL);
  bind_pool_push_tasks(L);
  lua_pushboolean(L, false);
  lua_rawseti(L, TASKS, COMMON);
  lua_pushnil(L);
  while (run->n < MOST && (lease = bind_inbox_peek(inbox, run->pool->results))) {
    const struct bind_entry *entry = is_simple(run->pool, lease);
    if (!entry || !joins(L, run, entry))
      break;
    run->id = entry->id;
    run->lease = bind_inbox_take(inbox);
    size_t skip = sizeof(struct mc_result_head);
    struct wire_bytes bytes = {run->lease.bytes + skip, run->lease.length - skip,
                               run->lease.handles, run->lease.n_handles};
    if (!wire_decode_scalar(L, &bytes))
      wire_decode(L, &bytes);
    note(L, run);
    run->id = 0;
    mc_lease_settle(&run->lease);
    lua_settop(L, OUT);
  }
  return 0;
}

/* The result in hand can't be noted: pushes its task, which is over. */
static void give_up(lua_State *L, struct run *run) {
  struct bind_ledger *ledger = &run->pool->ledger;
  mc_lease_settle(&run->lease);
  struct bind_entry *entry = bind_ledger_find(ledger, run->id);
  if (!entry)
    return;
  bind_pool_push_tasks(L);
  int tasks = lua_gettop(L);
  lua_Integer item = entry->item;
  bind_ledger_push(L, tasks, entry);
  bind_ledger_leave(L, ledger, tasks, entry);
  lua_remove(L, tasks);
  if (item >= 1)
    lua_pushinteger(L, item);
}

/* Pushes what the run's items have in common, and forgets it: it may hold a long list. */
static void push_common(lua_State *L) {
  bind_pool_push_tasks(L);
  int tasks = lua_gettop(L);
  lua_rawgeti(L, tasks, COMMON);
  lua_pushboolean(L, false);
  lua_rawseti(L, tasks, COMMON);
  lua_remove(L, tasks);
}

/* pool:take_done(): deals with the results at the front that just have to be noted: of
 * items of one map, or of calls without options (pool_give.c) → how many, whether there
 * is more to collect, and what the items have in common (nothing of calls). When the next
 * one can't be decoded here: then the error, its task, and for an item its number. */
static int take_done(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  struct run run = {.pool = pool};
  lua_settop(L, POOL);
  const struct mc_lease *lease = bind_inbox_peek(&pool->inbox, pool->results);
  bool good = true;
  if (lease && is_simple(pool, lease)) {
    lua_pushcfunction(L, take_all);
    lua_pushvalue(L, POOL);
    lua_pushlightuserdata(L, &run);
    good = lua_pcall(L, 2, 0, 0) == LUA_OK;
    if (!good && !run.id)
      lua_error(L);
    lease = bind_inbox_peek(&pool->inbox, pool->results);
  }
  lua_pushinteger(L, run.n);
  lua_pushboolean(L, lease || !good);
  if (run.n == 0 && good)
    return 2;
  push_common(L);
  if (good)
    return 3;
  lua_pushvalue(L, POOL + 1); /* the error */
  lua_remove(L, POOL + 1);
  give_up(L, &run);
  return lua_gettop(L) - POOL;
}

static const luaL_Reg methods[] = {
    {"take_done", take_done},
    {NULL, NULL},
};

void bind_open_pool_done(lua_State *L) {
  luaL_setfuncs(L, methods, 0);
}
