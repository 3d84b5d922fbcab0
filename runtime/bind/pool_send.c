/* A pool's tasks on their way out. */
#include "bind/pool_send.h"

#include "base/error.h"
#include "bind/class.h"
#include "bind/error.h"
#include "share/queue.h"

#include <lauxlib.h>
#include <string.h>

static struct bind_class function_class = {.name = "mooncrew.pool.function"};

const struct bind_function *bind_check_function(lua_State *L, int arg) {
  return bind_class_check(L, arg, &function_class);
}

struct wire_bytes bind_function_bytes(const struct bind_function *function) {
  return (struct wire_bytes){function->bytes.data, function->bytes.length,
                             (const uint32_t *)function->refs.data,
                             (uint32_t)(function->refs.length / sizeof(uint32_t))};
}

struct mc_task_head bind_task_head(lua_State *L, const struct bind_function *function,
                                   enum bind_task_mode mode, int timeout) {
  return (struct mc_task_head){
      .timeout = (uint64_t)(luaL_optnumber(L, timeout, 0) * 1e9),
      .mode = mode,
      .function_length = (uint32_t)function->bytes.length,
      .function_refs = (uint32_t)(function->refs.length / sizeof(uint32_t)),
      .plain = function->plain,
  };
}

static int function_gc(lua_State *L) {
  struct bind_function *function = luaL_checkudata(L, 1, function_class.name);
  mc_buffer_free(&function->bytes);
  mc_buffer_free(&function->refs);
  return 0;
}

/* pool:encode(fn, name) → what submit takes; raises when it can't be sent */
static int pool_encode(lua_State *L) {
  bind_check_pool(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  struct bind_function *function = lua_newuserdatauv(L, sizeof *function, 0);
  *function = (struct bind_function){0};
  luaL_setmetatable(L, function_class.name);
  struct wire_bytes bytes;
  wire_encode(L, 2, 1, "fn", &bytes);
  function->plain = wire_is_plain(&bytes);
  if (!mc_buffer_append(&function->bytes, bytes.bytes, bytes.length) ||
      !mc_buffer_append(&function->refs, bytes.refs, bytes.n_refs * sizeof(uint32_t)))
    return luaL_error(L, "not enough memory");
  return 1;
}

/* What goes behind the function: from index 9 on, arguments; or a list and the first and
 * the last of its items. At 7 and 8: what they are called in a refusal, and the number of
 * the first. */
static void encode_arguments(lua_State *L, enum bind_task_mode mode,
                             struct wire_bytes *bytes) {
  const char *name = luaL_checkstring(L, 7);
  lua_Integer number = luaL_checkinteger(L, 8);
  if (mode == BIND_CALL) {
    wire_encode_from(L, 9, lua_gettop(L) - 8, name, number, bytes);
    return;
  }
  luaL_checktype(L, 9, LUA_TTABLE);
  wire_encode_list(L, 9, luaL_checkinteger(L, 10), luaL_checkinteger(L, 11), name, number,
                   bytes);
}

/* pool:submit(id, mode, function, timeout, capture, name, number, arguments… | list,
 * first, last): the task is ready to go → whether it is time to flush */
static int pool_submit(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  const struct bind_function *function = bind_check_function(L, 4);
  const struct wire_bytes encoded = bind_function_bytes(function);
  enum bind_task_mode mode = (enum bind_task_mode)luaL_checkinteger(L, 3);
  struct mc_task_head head = bind_task_head(L, function, mode, 5);
  head.id = (uint64_t)luaL_checkinteger(L, 2);
  head.capture = (uint32_t)luaL_optinteger(L, 6, 0);
  head.clocked = mode != BIND_CALL;
  struct wire_bytes arguments;
  encode_arguments(L, head.mode, &arguments);
  if (!bind_outbox_add(&pool->outbox, &head, &encoded, &arguments))
    return luaL_error(L, "not enough memory");
  lua_pushboolean(L, bind_outbox_is_full(&pool->outbox));
  return 1;
}

/* Appends to the list at `list`, which is made when need be. */
static void append(lua_State *L, int list, lua_Integer *n) {
  if (*n == 0) {
    lua_newtable(L);
    lua_replace(L, list);
  }
  lua_rawseti(L, list, ++*n);
}

/* pool:flush(): what was submitted goes to the workers → nil, or the ids of those for
 * which shared memory has no room now; nil, or the ids of those that can't be sent, each
 * with its error behind it */
static int pool_flush(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_Integer n_unsent = 0, n_failed = 0;
  for (unsigned i = 0; i < pool->outbox.n;) {
    lua_Integer id = (lua_Integer)pool->outbox.tasks[i].id;
    int done = bind_outbox_put(&pool->outbox, i, pool->tasks);
    i += done > 0 ? (unsigned)done : 1;
    if (done > 0)
      continue;
    lua_pushinteger(L, id);
    append(L, done == MC_NOMEM ? 2 : 3, done == MC_NOMEM ? &n_unsent : &n_failed);
    if (done == MC_NOMEM)
      continue;
    bind_push_failure(L, "Pool", done);
    append(L, 3, &n_failed);
  }
  bind_outbox_clear(&pool->outbox);
  return 2;
}

/* pool:recall() → a list of the ids of all tasks that no worker had taken, and that none
 * will take any more */
static int pool_recall(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  lua_settop(L, 1);
  mc_board_fed(pool->board);
  lua_newtable(L);
  struct mc_lease lease;
  for (lua_Integer n = 1; mc_queue_try_take(pool->tasks, &lease, 1) == 1; n++) {
    struct mc_task_head head;
    memcpy(&head, lease.bytes, sizeof head);
    mc_lease_settle(&lease);
    lua_pushinteger(L, (lua_Integer)head.id);
    lua_rawseti(L, 2, n);
  }
  return 1;
}

static const luaL_Reg methods[] = {
    {"encode", pool_encode},
    {"submit", pool_submit},
    {"flush", pool_flush},
    {"recall", pool_recall},
    {NULL, NULL},
};

void bind_open_pool_send(lua_State *L) {
  bind_class_new(L, &function_class);
  lua_pushcfunction(L, function_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, methods, 0);
}
