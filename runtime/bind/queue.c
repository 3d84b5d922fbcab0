/* A value's way: q:put(v) checks, encodes (may raise, no lock held), and share copies the
 * bytes into a block and commits it (can't raise). q:get() takes a lease on the block,
 * decodes straight from it (may raise, no lock held) and settles. One copy in, one copy
 * out. */
#include "bind/queue.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/options.h"
#include "bind/parcel.h"
#include "bind/receive.h"
#include "bind/task.h"
#include "bind/wait.h"
#include "bind/waitable.h"
#include "crew/loop.h"

#include <lauxlib.h>

#define BATCH 64 /* leases taken at a time */

static mc_ref check_queue(lua_State *L) {
  return bind_check_handle(L, 1, BIND_QUEUE_CLASS);
}

/* Nothing else of this process may run while it sleeps: then share can do the waiting,
 * spinning first and keeping what it has prepared. */
static bool alone(lua_State *L) {
  return !bind_tasks_any() && !mc_loop_is_busy() && !bind_in_task(L);
}

static bool writable(struct bind_wait *wait) {
  mc_ref queue = *(mc_ref *)wait->data;
  uint64_t maxsize = mc_queue_maxsize(queue);
  return mc_queue_closed(queue) || !maxsize || mc_queue_size(queue) < maxsize;
}

/* For memory there is nothing to look at: each turn may have freed some. */
static bool memory_may_be_there(struct bind_wait *wait) {
  return wait->looks++ > 0;
}

static bool readable(struct bind_wait *wait) {
  mc_ref queue = *(mc_ref *)wait->data;
  return mc_queue_size(queue) > 0 || mc_queue_closed(queue);
}

/* -- put
 * -------------------------------------------------------------------------------------
 */

/* What is on the stack while a put waits. */
enum { PUT_QUEUE = 1, PUT_PARCEL, PUT_WAIT, PUT_MANY, PUT_TOP = PUT_MANY };

/* n went in: what the Lua function returns. */
static int put_result(lua_State *L, bool many, size_t n) {
  if (many)
    lua_pushinteger(L, (lua_Integer)n);
  else
    lua_pushboolean(L, true);
  return 1;
}

/* Nothing went in. */
static int put_failure(lua_State *L, const char *function, int error, bool waited) {
  if (error == MC_NOMEM && waited)
    error = MC_FULL; /* it waited for memory as for room */
  return bind_outcome_or_raise(L, function, error);
}

static int put_again(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  struct bind_handle *queue = lua_touserdata(L, PUT_QUEUE);
  struct bind_parcel *parcel = lua_touserdata(L, PUT_PARCEL);
  struct bind_wait *wait = lua_touserdata(L, PUT_WAIT);
  bool many = lua_toboolean(L, PUT_MANY);
  const char *function = many ? "put_many" : "put";
  for (;;) {
    size_t n;
    const struct mc_message *messages = bind_parcel_messages(L, parcel, &n);
    if (n == 0)
      return put_result(L, many, bind_parcel_count_gone(parcel));
    int done = mc_queue_try_put(queue->ref, messages, n);
    if (done > 0) {
      bind_parcel_gone(parcel, (size_t)done);
      continue;
    }
    size_t gone = bind_parcel_count_gone(parcel);
    bool may_wait = done == MC_FULL || done == MC_NOMEM;
    if (!may_wait || mc_now() >= wait->deadline || wait->deadline == MC_NOW) {
      if (gone)
        return put_result(L, many, gone);
      return put_failure(L, function, done, wait->deadline != MC_NOW);
    }
    wait->ready = done == MC_FULL ? writable : memory_may_be_there;
    /* Who waits for memory rings for it: not without need, or several wake each other. */
    wait->n_watch = done == MC_FULL ? 1 : 2;
    wait->alike = done == MC_FULL;
    wait->data = &queue->ref;
    wait->looks = 0;
    if (bind_in_task(L))
      return bind_wait(L, wait, wait->deadline, 0, put_again);
    bind_block(L, wait, wait->deadline);
  }
}

/* The parcel is at index `parcel`; waits for room until the deadline. */
static int put_parcel(lua_State *L, int parcel, mc_time deadline, bool many) {
  struct bind_handle *queue = lua_touserdata(L, 1);
  lua_pushvalue(L, parcel);
  lua_replace(L, PUT_PARCEL);
  lua_settop(L, PUT_PARCEL);
  struct bind_wait *wait = bind_wait_new(L);
  wait->deadline = deadline;
  wait->watch[0] = (struct mc_wait_for){queue->ref, MC_WRITABLE};
  wait->watch[1] = (struct mc_wait_for){0, MC_MEMORY};
  lua_pushboolean(L, many);
  return put_again(L, LUA_OK, 0);
}

/* The value at 2, in `room` (of WIRE_SCALAR_ROOM bytes), in a string of Lua's or in the
 * codec's buffer. */
static struct mc_message pack_item(lua_State *L, unsigned char *room) {
  struct wire_bytes bytes;
  struct mc_message message = {.tail = NULL};
  if (!wire_encode_scalar(L, 2, room, &bytes)) {
    message.tail = wire_encode_string(L, 2, room, &bytes, &message.tail_length);
    if (!message.tail)
      wire_encode(L, 2, 1, "item", &bytes);
  }
  message.bytes = bytes.bytes;
  message.length = bytes.length;
  message.handles = bytes.refs;
  message.n_handles = bytes.n_refs;
  return message;
}

static int put_value(lua_State *L, mc_ref queue, mc_time deadline) {
  unsigned char room[WIRE_SCALAR_ROOM];
  int done;
  do {
    struct mc_message message = pack_item(L, room);
    if (deadline == MC_NOW || !alone(L))
      done = mc_queue_try_put(queue, &message, 1);
    else
      done = mc_queue_put(queue, &message, 1, deadline);
    if (done == MC_INTERRUPTED)
      bind_check_interrupt(L);
  } while (done == MC_INTERRUPTED);
  if (done > 0)
    return put_result(L, false, 1);
  if ((done != MC_FULL && done != MC_NOMEM) || deadline == MC_NOW || alone(L))
    return put_failure(L, "put", done, deadline != MC_NOW);
  lua_settop(L, 2);
  struct bind_parcel *parcel = bind_parcel_new(L);
  struct wire_bytes bytes;
  wire_encode(L, 2, 1, "item", &bytes);
  bind_parcel_add(L, parcel, NULL, 0, &bytes);
  return put_parcel(L, 3, deadline, false);
}

static int queue_put(lua_State *L) {
  mc_ref queue = check_queue(L);
  luaL_checkany(L, 2);
  return put_value(L, queue, bind_check_blocking(L, 3));
}

static int queue_put_nowait(lua_State *L) {
  mc_ref queue = check_queue(L);
  luaL_checkany(L, 2);
  return put_value(L, queue, MC_NOW);
}

/* Encodes all n elements of the list at 2. */
static struct bind_parcel *pack_items(lua_State *L, lua_Integer n) {
  struct bind_parcel *parcel = bind_parcel_scratch();
  unsigned char room[WIRE_SCALAR_ROOM];
  for (lua_Integer i = 1; i <= n; i++) {
    struct wire_bytes bytes;
    lua_rawgeti(L, 2, i);
    if (!wire_encode_scalar(L, -1, room, &bytes))
      wire_encode_from(L, -1, 1, "items", i, &bytes);
    bind_parcel_add(L, parcel, NULL, 0, &bytes);
    lua_pop(L, 1);
  }
  return parcel;
}

static int queue_put_many(lua_State *L) {
  mc_ref queue = check_queue(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  mc_time deadline = bind_check_blocking(L, 3);
  lua_settop(L, 2);
  struct bind_parcel *parcel = pack_items(L, (lua_Integer)lua_rawlen(L, 2));
  size_t n;
  const struct mc_message *messages = bind_parcel_messages(L, parcel, &n);
  int done = n ? mc_queue_try_put(queue, messages, n) : 0;
  if (done >= 0 && (size_t)done == n) /* most often all have room at once */
    return put_result(L, true, n);
  if (done > 0)
    bind_parcel_gone(parcel, (size_t)done);
  bind_parcel_from_scratch(L);
  return put_parcel(L, 3, deadline, true);
}

/* -- get
 * -------------------------------------------------------------------------------------
 */

/* What is on the stack while a get waits; the wait is made only then. */
enum { GET_QUEUE = 1, GET_WAIT };

#define MUST_SUSPEND 0

/* Takes one message, waiting for it; 1 or an error. Where the task is to be suspended
 * instead, MUST_SUSPEND: in the wait that is on the stack then. */
static int take_one(lua_State *L, mc_ref queue, struct mc_lease *lease,
                    mc_time deadline) {
  for (;;) {
    int got;
    if (deadline != MC_NOW && alone(L))
      got = mc_queue_take(queue, lease, 1, deadline);
    else
      got = mc_queue_try_take(queue, lease, 1);
    if (got == MC_INTERRUPTED) {
      bind_check_interrupt(L);
      continue;
    }
    if (got != MC_EMPTY || deadline == MC_NOW || mc_now() >= deadline)
      return got;
    struct bind_wait *wait;
    if (lua_isnoneornil(L, GET_WAIT)) {
      lua_settop(L, GET_QUEUE);
      wait = bind_wait_new(L);
    } else {
      wait = lua_touserdata(L, GET_WAIT);
    }
    wait->ready = readable;
    wait->alike = true;
    wait->data = &((struct bind_handle *)lua_touserdata(L, GET_QUEUE))->ref;
    wait->watch[0] = (struct mc_wait_for){queue, MC_READABLE};
    wait->n_watch = 1;
    wait->deadline = deadline;
    if (bind_in_task(L))
      return MUST_SUSPEND;
    bind_block(L, wait, deadline);
  }
}

/* How many more items this process may keep of queues that redeliver; raises for 0. */
static lua_Integer check_kept(lua_State *L, const char *function) {
  uint32_t kept = mc_leases_kept();
  if (kept < MC_KEPT_MAX)
    return MC_KEPT_MAX - kept;
  bind_push_error(L, "TooMany",
                  "%s: this process has %d items of queues that redeliver and has not "
                  "marked them done: call task_done() first",
                  function, (int)kept);
  return lua_error(L);
}

static int get_many_into(lua_State *L, mc_ref queue, struct mc_lease *leases,
                         lua_Integer limit, bool keep) {
  int room = limit < BATCH ? (int)limit : BATCH;
  lua_Integer next = 1;
  int got = 1;    /* the first is in hand already */
  lua_pushnil(L); /* the table is made where memory may run out */
  while (got > 0) {
    size_t received = bind_receive_all(L, leases, (size_t)got, next, room, keep);
    next += (lua_Integer)received;
    lua_Integer rest = limit - (next - 1);
    if (rest <= 0 || received < (size_t)got)
      break;
    got = mc_queue_try_take(queue, leases, (size_t)(rest < BATCH ? rest : BATCH));
  }
  return 1;
}

static int get_again(lua_State *L, int status, lua_KContext context);

/* The context of a suspended get: 0 for one, -1 for items, n for get_many(n). */
static int get_now(lua_State *L, mc_ref queue, lua_KContext form, mc_time deadline) {
  const char *function = form > 0 ? "get_many" : "get";
  bool keep = mc_queue_on_death(queue) == MC_REDELIVER;
  lua_Integer limit = (lua_Integer)form;
  if (keep) {
    lua_Integer most = check_kept(L, function);
    if (limit > most)
      limit = most;
  }
  struct mc_lease leases[BATCH];
  int got = take_one(L, queue, leases, deadline);
  if (got == MUST_SUSPEND)
    return bind_wait(L, lua_touserdata(L, GET_WAIT), deadline, form, get_again);
  if (got < 0) {
    if (form == -1 && got == MC_CLOSED)
      return 0;
    return bind_outcome_or_raise(L, function, got);
  }
  if (form > 0)
    return get_many_into(L, queue, leases, limit, keep);
  return keep ? bind_receive_kept(L, leases) : bind_receive(L, leases, 0);
}

static int get_again(lua_State *L, int status, lua_KContext form) {
  (void)status;
  const struct bind_handle *queue = lua_touserdata(L, GET_QUEUE);
  const struct bind_wait *wait = lua_touserdata(L, GET_WAIT);
  return get_now(L, queue->ref, form, wait->deadline);
}

static int queue_get(lua_State *L) {
  mc_ref queue = check_queue(L);
  mc_time deadline = bind_check_blocking(L, 2);
  lua_settop(L, GET_QUEUE);
  return get_now(L, queue, 0, deadline);
}

static int queue_get_nowait(lua_State *L) {
  mc_ref queue = check_queue(L);
  lua_settop(L, GET_QUEUE);
  return get_now(L, queue, 0, MC_NOW);
}

static int queue_get_many(lua_State *L) {
  mc_ref queue = check_queue(L);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 1, 2, "a number of items of at least 1 expected");
  mc_time deadline = bind_check_blocking(L, 3);
  lua_settop(L, GET_QUEUE);
  return get_now(L, queue, (lua_KContext)n, deadline);
}

static int next_item(lua_State *L) {
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  const struct bind_handle *queue = lua_touserdata(L, GET_QUEUE);
  return get_now(L, queue->ref, -1, MC_FOREVER);
}

static int queue_items(lua_State *L) {
  check_queue(L);
  lua_settop(L, 1);
  lua_pushcclosure(L, next_item, 1);
  return 1;
}

/* ---- the rest ---- */

static int queue_close(lua_State *L) {
  mc_queue_close(check_queue(L));
  return 0;
}

/* q:task_done() */
static int queue_task_done(lua_State *L) {
  mc_ref queue = check_queue(L);
  int error = mc_queue_task_done(queue, bind_task_id());
  if (error == MC_TOOMANY) {
    bool keep = mc_queue_on_death(queue) == MC_REDELIVER;
    bind_push_error(L, "TooMany", "task_done: called more often than items were taken%s",
                    keep ? " by this process" : "");
    return lua_error(L);
  }
  return 0;
}

static bool all_done(struct bind_wait *wait) {
  return mc_queue_all_done(*(mc_ref *)wait->data);
}

static int joined(lua_State *L, int status, lua_KContext context) {
  const struct bind_wait *wait = (const struct bind_wait *)context;
  (void)status;
  if (wait->outcome)
    return bind_outcome(L, MC_TIMEOUT);
  lua_pushboolean(L, true);
  return 1;
}

/* q:join([timeout]) */
static int queue_join(lua_State *L) {
  mc_ref queue = check_queue(L);
  mc_time deadline = bind_check_timeout(L, 2);
  lua_settop(L, 1);
  struct bind_wait *wait = bind_wait_new(L);
  wait->ready = all_done;
  wait->alike = true;
  wait->data = &((struct bind_handle *)lua_touserdata(L, 1))->ref;
  wait->watch[0] = (struct mc_wait_for){queue, MC_DONE};
  wait->n_watch = 1;
  return bind_wait(L, wait, deadline, (lua_KContext)wait, joined);
}

static bool queue_ready(void *userdata) {
  mc_ref queue = ((struct bind_handle *)userdata)->ref;
  return mc_queue_size(queue) > 0 || mc_queue_closed(queue);
}

static size_t queue_watch(void *userdata, struct mc_wait_for *watch) {
  watch[0] = (struct mc_wait_for){((struct bind_handle *)userdata)->ref, MC_READABLE};
  return 1;
}

static const struct bind_waitable waitable = {.ready = queue_ready, .watch = queue_watch};

static int queue_qsize(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mc_queue_size(check_queue(L)));
  return 1;
}

static int queue_empty(lua_State *L) {
  lua_pushboolean(L, mc_queue_size(check_queue(L)) == 0);
  return 1;
}

static int queue_full(lua_State *L) {
  mc_ref queue = check_queue(L);
  uint64_t maxsize = mc_queue_maxsize(queue);
  lua_pushboolean(L, maxsize && mc_queue_size(queue) >= maxsize);
  return 1;
}

static int queue_tostring(lua_State *L) {
  mc_ref queue = check_queue(L);
  lua_pushfstring(L, "%s: %d item(s)%s", BIND_QUEUE_CLASS, (int)mc_queue_size(queue),
                  mc_queue_closed(queue) ? ", closed" : "");
  return 1;
}

/* mooncrew.Queue([maxsize]) or mooncrew.Queue{ maxsize = n, redeliver = b } */
static int make_queue(lua_State *L) {
  struct mc_queue_options options = {.on_death = MC_RETURN};
  if (lua_istable(L, 1)) {
    static const char *const known[] = {"maxsize", "redeliver", NULL};
    bind_check_options(L, 1, known);
    int type = lua_getfield(L, 1, "redeliver");
    if (type != LUA_TBOOLEAN && type != LUA_TNIL)
      return luaL_error(L, "Queue: redeliver: a boolean expected, got %s",
                        luaL_typename(L, -1));
    if (lua_toboolean(L, -1))
      options.on_death = MC_REDELIVER;
    lua_getfield(L, 1, "maxsize");
    lua_replace(L, 1);
    lua_settop(L, 1);
  }
  lua_Integer maxsize = luaL_optinteger(L, 1, 0);
  luaL_argcheck(L, maxsize >= 0, 1, "maxsize must not be negative");
  options.maxsize = (uint64_t)maxsize;
  mc_ref queue;
  int error = mc_queue_create(&options, &queue);
  if (error)
    return bind_raise(L, "Queue", error);
  bind_handle_adopt(L, queue);
  return 1;
}

static const luaL_Reg methods[] = {
    {"put", queue_put},
    {"put_nowait", queue_put_nowait},
    {"put_many", queue_put_many},
    {"get", queue_get},
    {"get_nowait", queue_get_nowait},
    {"get_many", queue_get_many},
    {"items", queue_items},
    {"task_done", queue_task_done},
    {"join", queue_join},
    {"close", queue_close},
    {"qsize", queue_qsize},
    {"empty", queue_empty},
    {"full", queue_full},
    {NULL, NULL},
};

/* ---- the class ----
 *
 * Methods are fields of a table, which Lua finds without a call. So is `maxsize`: bounded
 * queues have a metatable for each bound, in which it is another number. */

static const char bounded_key; /* registry: maxsize → metatable, weak */

static void copy_table(lua_State *L, int from) {
  from = lua_absindex(L, from);
  lua_createtable(L, 0, 16);
  lua_pushnil(L);
  while (lua_next(L, from)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
}

static void set_maxsize(lua_State *L, lua_Integer maxsize) {
  lua_pushinteger(L, maxsize);
  lua_setfield(L, -2, "maxsize");
}

static void vary_class(lua_State *L, mc_ref queue) {
  lua_Integer maxsize = (lua_Integer)mc_queue_maxsize(queue);
  if (!maxsize)
    return;
  luaL_checkstack(L, 8, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &bounded_key);
  if (lua_rawgeti(L, -1, maxsize) == LUA_TNIL) {
    lua_pop(L, 1);
    copy_table(L, -2);
    lua_getfield(L, -1, "__index");
    copy_table(L, -1);
    set_maxsize(L, maxsize);
    lua_setfield(L, -3, "__index");
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, maxsize);
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
}

void bind_open_queue(lua_State *L) {
  bind_push_weak_table(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &bounded_key);
  lua_createtable(L, 0, 8);
  luaL_newlib(L, methods);
  set_maxsize(L, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, queue_qsize);
  lua_setfield(L, -2, "__len");
  lua_pushcfunction(L, queue_tostring);
  lua_setfield(L, -2, "__tostring");
  bind_set_waitable(L, &waitable);
  bind_handle_class(L, MC_KIND_QUEUE, BIND_QUEUE_CLASS);
  bind_handle_class_varies(MC_KIND_QUEUE, vary_class);
  lua_pushcfunction(L, make_queue);
  lua_setfield(L, -2, "Queue");
}
