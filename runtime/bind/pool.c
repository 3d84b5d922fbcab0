#include "bind/pool.h"

#include "base/buffer.h"
#include "base/error.h"
#include "bind/child.h"
#include "bind/chunk.h"
#include "bind/current.h"
#include "bind/error.h"
#include "bind/latch.h"
#include "bind/wait.h"
#include "bind/waitable.h"
#include "crew/interrupt.h"
#include "crew/pool.h"
#include "share/object.h"
#include "share/queue.h"
#include "wire/wire.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLASS          "mooncrew.pool"
#define FUNCTION_CLASS "mooncrew.pool.function"

/* A function that was encoded once, for many tasks. */
struct function {
  struct mc_buffer bytes, refs;
  bool plain;
};

static struct bind_pool *check_pool(lua_State *L) {
  struct bind_pool *pool = luaL_checkudata(L, 1, CLASS);
  if (pool->owner != bind_current_pid())
    luaL_error(L, "pool '%s' belongs to another process: only its maker may use it",
               pool->name);
  return pool;
}

/* ---- making and ending ---- */

struct work_context {
  lua_State *L;
  struct bind_pool *pool;
};

static int work(void *data, const struct mc_seat *seat) {
  struct work_context *context = data;
  return bind_work(context->L, context->pool, seat);
}

static void drop_chunk(struct bind_pool *pool) {
  if (pool->has_chunk && pool->owner == bind_current_pid())
    mc_lease_settle(&pool->chunk);
  pool->has_chunk = false;
}

static void drop_shared(struct bind_pool *pool) {
  drop_chunk(pool);
  if (pool->tasks)
    mc_object_drop(pool->tasks);
  if (pool->results)
    mc_object_drop(pool->results);
  pool->tasks = pool->results = 0;
  mc_board_destroy(pool->board);
  mc_slips_destroy(pool->slips);
  pool->board = NULL;
  pool->slips = NULL;
}

static int create_shared(struct bind_pool *pool, uint32_t places) {
  struct mc_queue_options tasks = {.on_death = MC_BURY};
  struct mc_queue_options results = {.on_death = MC_RETURN};
  pool->board = mc_board_create(pool->processes);
  if (places)
    pool->slips = mc_slips_create(places);
  if (!pool->board || (places && !pool->slips))
    return -ENOMEM;
  int error = mc_queue_create(&tasks, &pool->tasks);
  return error ? error : mc_queue_create(&results, &pool->results);
}

/* pool(processes, name, max_tasks, initializer, initargs, initializer_timeout,
 * max_memory, confine, places): the arguments are checked already. With
 * places for tasks, those in them can be given up: crew/slips.h */
static int make_pool(lua_State *L) {
  lua_settop(L, 9);
  struct mc_confine confine;
  if (bind_confine_prepare(L, 8, &confine)) {
    bind_push_error(L, "OSError", "Pool: %s", lua_tostring(L, -1));
    return lua_error(L);
  }
  lua_Number initializer_timeout = luaL_optnumber(L, 6, 0);
  uint64_t max_memory = (uint64_t)luaL_optinteger(L, 7, 0);
  uint32_t places = (uint32_t)luaL_optinteger(L, 9, 0);
  lua_settop(L, 5);
  struct bind_pool *pool = lua_newuserdatauv(L, sizeof *pool, 2);
  *pool = (struct bind_pool){.owner = getpid(),
                             .processes = (unsigned)luaL_checkinteger(L, 1),
                             .max_tasks = luaL_checkinteger(L, 3),
                             .initializer_timeout = initializer_timeout,
                             .max_memory = max_memory,
                             .confine = confine};
  snprintf(pool->name, sizeof pool->name, "%s", luaL_checkstring(L, 2));
  luaL_setmetatable(L, CLASS);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, 6, BIND_POOL_INITIALIZER);
  lua_pushvalue(L, 5);
  lua_setiuservalue(L, 6, BIND_POOL_INITARGS);
  lua_replace(L, 1);
  lua_settop(L, 1); /* the userdata is where the workers look for it */
  luaL_checkstack(L, 40, NULL);
  int error = create_shared(pool, places);
  if (!error) {
    struct work_context context = {L, pool};
    struct mc_pool_options options = {.processes = pool->processes,
                                      .tasks = pool->tasks,
                                      .results = pool->results,
                                      .board = pool->board,
                                      .worker = work,
                                      .data = &context};
    error = mc_pool_start(&pool->child.child, &options);
  }
  bind_confine_drop(&pool->confine); /* the foreman has a copy of its own */
  if (error) {
    drop_shared(pool);
    return bind_raise(L, "Pool", error);
  }
  pool->child.is_pool = true;
  bind_child_list(&pool->child);
  return 1;
}

static void terminate(struct bind_pool *pool) {
  if (pool->owner != bind_current_pid() || !pool->child.listed)
    return;
  mc_pool_terminate(&pool->child.child);
  bind_child_unlist(&pool->child);
}

/* pool:terminate(interrupted): after a Ctrl-C, a second one ends this process at once */
static int pool_terminate(lua_State *L) {
  struct bind_pool *pool = check_pool(L);
  mc_interrupt_set_deadly(lua_toboolean(L, 2));
  terminate(pool);
  mc_interrupt_set_deadly(false);
  return 0;
}

static int pool_gc(lua_State *L) {
  struct bind_pool *pool = luaL_checkudata(L, 1, CLASS);
  terminate(pool);
  drop_shared(pool);
  bind_outbox_free(&pool->outbox);
  return 0;
}

static int pool_close(lua_State *L) {
  mc_queue_close(check_pool(L)->tasks);
  return 0;
}

/* ---- tasks out ---- */

static int function_gc(lua_State *L) {
  struct function *function = luaL_checkudata(L, 1, FUNCTION_CLASS);
  mc_buffer_free(&function->bytes);
  mc_buffer_free(&function->refs);
  return 0;
}

/* pool:encode(fn, name) → what submit takes; raises when it can't be sent */
static int pool_encode(lua_State *L) {
  check_pool(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  struct function *function = lua_newuserdatauv(L, sizeof *function, 0);
  *function = (struct function){0};
  luaL_setmetatable(L, FUNCTION_CLASS);
  struct wire_bytes bytes;
  wire_encode(L, 2, 1, "fn", &bytes);
  function->plain = wire_is_plain(&bytes);
  if (!mc_buffer_append(&function->bytes, bytes.bytes, bytes.length) ||
      !mc_buffer_append(&function->refs, bytes.refs, bytes.n_refs * sizeof(uint32_t)))
    return luaL_error(L, "not enough memory");
  return 1;
}

/* What goes behind the function: from index 7 on, arguments; or a list and the first and
 * the last of its items. */
static void encode_arguments(lua_State *L, enum bind_task_mode mode,
                             struct wire_bytes *bytes) {
  if (mode == BIND_CALL) {
    wire_encode(L, 7, lua_gettop(L) - 6, "args[]", bytes);
    return;
  }
  luaL_checktype(L, 7, LUA_TTABLE);
  wire_encode_list(L, 7, luaL_checkinteger(L, 8), luaL_checkinteger(L, 9), "list", bytes);
}

/* pool:submit(id, mode, function, timeout, capture, arguments… | list, first, last): the
 * task is ready to go → whether it is time to flush */
static int pool_submit(lua_State *L) {
  struct bind_pool *pool = check_pool(L);
  const struct function *function = luaL_checkudata(L, 4, FUNCTION_CLASS);
  const struct wire_bytes encoded = {
      function->bytes.data, function->bytes.length, (const uint32_t *)function->refs.data,
      (uint32_t)(function->refs.length / sizeof(uint32_t))};
  const struct mc_task_head head = {
      .id = (uint64_t)luaL_checkinteger(L, 2),
      .timeout = (uint64_t)(luaL_optnumber(L, 5, 0) * 1e9),
      .mode = (uint32_t)luaL_checkinteger(L, 3),
      .function_length = (uint32_t)encoded.length,
      .function_refs = encoded.n_refs,
      .plain = function->plain,
      .capture = (uint32_t)luaL_optinteger(L, 6, 0),
  };
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
  struct bind_pool *pool = check_pool(L);
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

/* ---- results in ---- */

static int push_text(lua_State *L, lua_Integer id, const char *status) {
  lua_pushinteger(L, id);
  lua_pushstring(L, status);
  return 2;
}

static struct wire_bytes bytes_of(const struct mc_lease *lease, size_t skip) {
  return (struct wire_bytes){lease->bytes + skip, lease->length - skip, lease->handles,
                             lease->n_handles};
}

/* (lease, bytes to skip) */
static int decode(lua_State *L) {
  struct wire_bytes bytes = bytes_of(lua_touserdata(L, 1), (size_t)lua_tointeger(L, 2));
  lua_settop(L, 0);
  return wire_decode(L, &bytes);
}

/* The values of a result; or, when they can't be decoded here, the error of that. */
static int push_values(lua_State *L, struct mc_lease *lease, size_t skip, lua_Integer id,
                       const char *status) {
  int top = lua_gettop(L) + push_text(L, id, status);
  lua_pushcfunction(L, decode);
  lua_pushlightuserdata(L, lease);
  lua_pushinteger(L, (lua_Integer)skip);
  if (lua_pcall(L, 2, LUA_MULTRET, 0) != LUA_OK) {
    lua_pushliteral(L, "raised");
    lua_replace(L, top);
  }
  mc_lease_settle(lease);
  return lua_gettop(L);
}

/* A chunk's results stay where they are until pool:unpack. */
static int keep_chunk(lua_State *L, struct bind_pool *pool, const struct mc_lease *lease,
                      size_t skip, const struct mc_result_head *head) {
  pool->chunk = *lease;
  pool->chunk_skip = skip;
  pool->has_chunk = true;
  push_text(L, (lua_Integer)head->id, "mapped");
  lua_pushinteger(L, head->item);
  lua_pushnumber(L, (lua_Number)head->took / 1e9);
  return lua_gettop(L);
}

/* (pool, n, out, first) */
static int read_chunk(lua_State *L) {
  const struct bind_pool *pool = lua_touserdata(L, 1);
  struct wire_bytes bytes = bytes_of(&pool->chunk, pool->chunk_skip);
  bind_chunk_read(L, &bytes, lua_tointeger(L, 2), 3, lua_tointeger(L, 4));
  return 1;
}

/* pool:unpack(n, out, first): the n results that were "mapped" go into the list `out`,
 * from index `first` on → true, and nil or the errors by their numbers in the chunk; or
 * nil and why they can't be decoded */
static int pool_unpack(lua_State *L) {
  struct bind_pool *pool = check_pool(L);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 4);
  luaL_argcheck(L, pool->has_chunk, 1, "nothing was collected to be unpacked");
  lua_pushcfunction(L, read_chunk);
  lua_insert(L, 1);
  bool good = lua_pcall(L, 4, 1, 0) == LUA_OK;
  drop_chunk(pool);
  if (good)
    lua_pushboolean(L, true);
  else
    lua_pushnil(L);
  lua_insert(L, 1);
  return 2;
}

/* Pushes what goes before a captured task's outcome; how many bytes that were. */
static size_t push_captured(lua_State *L, const struct mc_result_head *head,
                            const unsigned char *bytes) {
  push_text(L, (lua_Integer)head->id, "captured");
  lua_pushlstring(L, (const char *)bytes, head->output);
  lua_pushlstring(L, (const char *)bytes + head->output, head->error_output);
  return (size_t)head->output + head->error_output;
}

/* pool:collect() → nothing when there is none; else id, and
 *   "returned", values… | "raised", error | "mapped", n, seconds: then unpack comes |
 *   "lost" or "late", code, pid, item |
 *   "restart" | "broken", text | "futile" or "hung", code, pid.
 * Of a captured task there is more before that: id, "captured", stdout, stderr. */
static int pool_collect(lua_State *L) {
  struct bind_pool *pool = check_pool(L);
  struct mc_lease lease;
  drop_chunk(pool); /* whoever collected it was interrupted */
  if (mc_queue_try_take(pool->results, &lease, 1) != 1)
    return 0;
  struct mc_result_head head;
  memcpy(&head, lease.bytes, sizeof head);
  lua_settop(L, 0);
  size_t skip = sizeof head;
  if (head.status & MC_RESULT_CAPTURED)
    skip += push_captured(L, &head, lease.bytes + sizeof head);
  switch ((enum mc_result_status)(head.status & ~MC_RESULT_CAPTURED)) {
  case MC_RESULT_RETURNED:
    return push_values(L, &lease, skip, (lua_Integer)head.id, "returned");
  case MC_RESULT_RAISED:
    return push_values(L, &lease, skip, (lua_Integer)head.id, "raised");
  case MC_RESULT_MAPPED:
    return keep_chunk(L, pool, &lease, skip, &head);
  case MC_RESULT_LOST:
  case MC_RESULT_LATE:
    push_text(L, (lua_Integer)head.id,
              (head.status & ~MC_RESULT_CAPTURED) == MC_RESULT_LATE ? "late" : "lost");
    lua_pushinteger(L, head.code);
    lua_pushinteger(L, head.pid);
    lua_pushinteger(L, head.item);
    break;
  case MC_RESULT_CANCELLED:
    break; /* the tasks of a host only, whose results are not collected here */
  case MC_RESULT_RESTART:
    push_text(L, 0, "restart");
    break;
  case MC_RESULT_BROKEN:
    push_text(L, 0, "broken");
    lua_pushstring(L, mc_strerror(head.code));
    break;
  case MC_RESULT_FUTILE:
  case MC_RESULT_HUNG:
    push_text(L, 0, head.status == MC_RESULT_HUNG ? "hung" : "futile");
    lua_pushinteger(L, head.code);
    lua_pushinteger(L, head.pid);
    break;
  }
  mc_lease_settle(&lease);
  return lua_gettop(L);
}

static bool pool_ready(void *userdata) {
  struct bind_pool *pool = userdata;
  return mc_queue_size(pool->results) > 0 || mc_board_starved(pool->board) ||
         mc_child_ended(&pool->child.child);
}

/* Two things that a program waits for at a pool: something to collect, and the pool's
 * end. */
struct pool_wait {
  struct bind_pool *pool;
  struct bind_latch *latch; /* set meanwhile by another task; may be NULL */
};

static bool something_to_do(struct bind_wait *wait) {
  struct pool_wait *what = wait->data;
  return (what->latch && what->latch->set) || pool_ready(what->pool);
}

static int waited(lua_State *L, int status, lua_KContext context) {
  struct bind_wait *wait = (struct bind_wait *)context;
  (void)status;
  if (wait->outcome)
    return bind_outcome(L, MC_TIMEOUT);
  lua_pushboolean(L, true);
  return 1;
}

/* pool:wait([latch [, timeout]]): until the latch is set, there is something to collect,
 * or the pool has ended → true; or nil and Timeout */
static int pool_wait(lua_State *L) {
  struct bind_pool *pool = check_pool(L);
  struct bind_latch *latch = bind_opt_latch(L, 2);
  mc_time deadline = bind_check_timeout(L, 3);
  lua_settop(L, 2);
  struct pool_wait *what = lua_newuserdatauv(L, sizeof *what, 0);
  *what = (struct pool_wait){pool, latch};
  struct bind_wait *wait = bind_wait_new(L);
  wait->ready = something_to_do;
  wait->data = what;
  wait->watch[0] = (struct mc_wait_for){pool->results, MC_READABLE};
  wait->n_watch = 1;
  return bind_wait(L, wait, deadline, (lua_KContext)wait, waited);
}

static size_t pool_watch(void *userdata, struct mc_wait_for *watch) {
  struct bind_pool *pool = userdata;
  watch[0] = (struct mc_wait_for){pool->results, MC_READABLE};
  return 1;
}

static void pool_check(lua_State *L, void *userdata) {
  const struct bind_pool *pool = userdata;
  if (pool->owner != bind_current_pid())
    luaL_error(L, "wait: pool '%s' belongs to another process", pool->name);
}

static const struct bind_waitable waitable = {pool_ready, pool_watch, pool_check};

/* pool:doom(id): ends the worker that has the task in hand; whether one has */
static int pool_doom(lua_State *L) {
  struct bind_pool *pool = check_pool(L);
  bool doomed = mc_board_doom(pool->board, (uint64_t)luaL_checkinteger(L, 2));
  if (doomed)
    mc_member_ring(pool->child.child.member);
  lua_pushboolean(L, doomed);
  return 1;
}

/* pool:take_back(id): the items of the chunk that its worker has not begun are the
 * caller's again → how many it has begun, and does; or nil: there is nothing to take back
 */
static int pool_take_back(lua_State *L) {
  struct bind_pool *pool = check_pool(L);
  uint32_t begun = mc_board_close(pool->board, (uint64_t)luaL_checkinteger(L, 2));
  if (begun == 0)
    return 0;
  lua_pushinteger(L, begun);
  return 1;
}

/* pool:has_ended(): no worker and no foreman is there any more */
static int pool_has_ended(lua_State *L) {
  struct bind_pool *pool = check_pool(L);
  bool ended = mc_child_ended(&pool->child.child);
  if (ended)
    bind_child_unlist(&pool->child);
  lua_pushboolean(L, ended);
  return 1;
}

/* pool:is_starved(): a worker finds no room for its result */
static int pool_is_starved(lua_State *L) {
  lua_pushboolean(L, mc_board_starved(check_pool(L)->board));
  return 1;
}

/* pool:recall() → a list of the ids of all tasks that no worker had taken, and that none
 * will take any more */
static int pool_recall(lua_State *L) {
  struct bind_pool *pool = check_pool(L);
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

/* pool:queued(): tasks that no worker has taken yet */
static int pool_queued(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mc_queue_size(check_pool(L)->tasks));
  return 1;
}

static const luaL_Reg methods[] = {
    {"encode", pool_encode},
    {"submit", pool_submit},
    {"flush", pool_flush},
    {"collect", pool_collect},
    {"unpack", pool_unpack},
    {"take_back", pool_take_back},
    {"wait", pool_wait},
    {"has_ended", pool_has_ended},
    {"queued", pool_queued},
    {"doom", pool_doom},
    {"recall", pool_recall},
    {"is_starved", pool_is_starved},
    {"close", pool_close},
    {"terminate", pool_terminate},
    {NULL, NULL},
};

void bind_open_pool(lua_State *L) {
  luaL_newmetatable(L, FUNCTION_CLASS);
  lua_pushcfunction(L, function_gc);
  lua_setfield(L, -2, "__gc");
  luaL_newmetatable(L, CLASS);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, pool_gc);
  lua_setfield(L, -2, "__gc");
  bind_set_waitable(L, &waitable);
  lua_pop(L, 2);
  lua_pushcfunction(L, make_pool);
  lua_setfield(L, -2, "pool");
}
