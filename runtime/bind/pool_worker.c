/* What a worker of a pool does: takes a task, runs it, sends what came out, settles the
 * task.
 *
 * The lease on the task is settled only when its result is in the results queue: until
 * then a death of this process leaves the task among the dead letters. */
#include "bind/pool.h"

#include "base/buffer.h"
#include "base/error.h"
#include "bind/child.h"
#include "bind/chunk.h"
#include "bind/error.h"
#include "bind/process.h"
#include "bind/task.h"
#include "bind/wait.h"
#include "crew/loop.h"
#include "crew/output.h"
#include "crew/pool.h"
#include "share/queue.h"
#include "wire/wire.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM_TRY       0.2 /* s: for so long a result waits for room at a time */
#define ROOM_TRIES     25  /* of them for nothing, with nothing of the pool in the way */
#define MAX_ERROR_TEXT 4096

struct worker {
  struct bind_pool *pool;
  const struct mc_seat *seat;
  struct mc_lease lease; /* the task in hand */
  struct mc_task_head task;
  pid_t pid;
  bool captures;             /* what the task writes is sent with its result */
  int capture_error;         /* why it can't be */
  struct mc_buffer message;  /* reused for results of captured tasks */
  struct mc_buffer function; /* the encoded form of the function that is cached … */
  int function_at;           /* … in the registry */
  int gauge;                 /* of this process's memory; -1: it does not matter */
  uint64_t born_with;        /* bytes: what it had when it was forked */
  bool worn;                 /* it ran out of memory: a fresh one goes on */
};

static const char pool_key; /* registry: the pool, or the collector would end it here */

/* -- in
 * -------------------------------------------------------------------------------------
 */

/* Pushes the task's function; one that has no state of its own is decoded only once. */
static void push_function(lua_State *L, struct worker *w) {
  struct wire_bytes bytes = {w->lease.bytes + sizeof w->task, w->task.function_length,
                             w->lease.handles, w->task.function_refs};
  bool same = w->task.plain && w->function.length == bytes.length &&
              !memcmp(w->function.data, bytes.bytes, bytes.length);
  if (same) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, w->function_at);
    return;
  }
  if (wire_decode(L, &bytes) != 1)
    luaL_error(L, "a task holds no function");
  /* The handles among its upvalues are not part of the bytes, so such a one is not kept.
   */
  if (!w->task.plain || bytes.n_refs)
    return;
  w->function.length = 0;
  if (mc_buffer_append(&w->function, bytes.bytes, bytes.length)) {
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, w->function_at);
  }
}

/* By when the task, or the item of a map at hand, has to be done. */
static mc_time deadline_of(const struct worker *w) {
  return w->task.timeout ? mc_now() + w->task.timeout : MC_FOREVER;
}

/* What the function is to be applied to. */
static struct wire_bytes arguments_of(const struct worker *w) {
  size_t at = sizeof w->task + w->task.function_length;
  return (struct wire_bytes){w->lease.bytes + at, w->lease.length - at,
                             w->lease.handles + w->task.function_refs,
                             w->lease.n_handles - w->task.function_refs};
}

/* ---- out ---- */

/* Waits for room, which only others can make: the maker by taking results in, and tasks
 * back. MC_NOMEM when nothing of this pool is in the way any more, and still there is
 * none. */
static int put_when_room(struct worker *w, const struct mc_message *message) {
  int done, futile = 0;
  if (!mc_seat_renew(w->seat, MC_FOREVER)) /* the task is done, and not late any more */
    bind_await_the_end();
  do {
    mc_seat_starve(w->seat);
    done = mc_queue_put(w->pool->results, message, 1, mc_deadline(ROOM_TRY));
    bool in_the_way =
        mc_queue_size(w->pool->results) > 0 || mc_queue_size(w->pool->tasks) > 0;
    if (done == MC_NOMEM)
      futile = in_the_way ? 0 : futile + 1;
  } while (done == MC_INTERRUPTED || (done == MC_NOMEM && futile < ROOM_TRIES));
  return done;
}

/* What comes before the values of a captured task: the head, and what it wrote. */
static struct mc_message captured(lua_State *L, struct worker *w,
                                  struct mc_result_head *head) {
  w->message.length = 0;
  if (!mc_result_capture(&w->message, head, w->seat->capture, w->task.capture))
    luaL_error(L, "not enough memory");
  return (struct mc_message){.bytes = w->message.data, .length = w->message.length};
}

/* Sends a result: what the codec made of the values, behind a head. */
static void send_result(lua_State *L, struct worker *w, struct mc_result_head *head,
                        const struct wire_bytes *bytes) {
  head->id = w->task.id;
  head->pid = w->pid;
  mc_worker_flush();
  mc_seat_release(w->seat);
  struct mc_message message = {.bytes = head, .length = sizeof *head};
  if (w->captures)
    message = captured(L, w, head);
  message.tail = bytes->bytes;
  message.tail_length = bytes->length;
  message.handles = bytes->refs;
  message.n_handles = bytes->n_refs;
  int done = mc_queue_try_put(w->pool->results, &message, 1);
  if (done == MC_NOMEM)
    done = put_when_room(w, &message);
  if (done < 0 && done != MC_CLOSED)
    bind_raise(L, "result", done);
}

struct outcome {
  struct worker *worker;
  struct bind_chunk *chunk;
  mc_time took;
};

/* (outcome, list of what came out) */
static int send_chunk(lua_State *L) {
  const struct outcome *outcome = lua_touserdata(L, 1);
  const struct bind_chunk *chunk = outcome->chunk;
  struct mc_result_head head = {
      .status = MC_RESULT_MAPPED, .took = outcome->took, .item = (uint32_t)chunk->n};
  struct wire_bytes bytes;
  wire_encode_list(L, 2, 1, chunk->n + 2 * chunk->n_errors, "result", 1, &bytes);
  send_result(L, outcome->worker, &head, &bytes);
  return 0;
}

/* The list is on top. What can't be sent is replaced, and the rest goes. */
static void send_list(lua_State *L, struct outcome *outcome) {
  int list = lua_gettop(L);
  for (bool mended = false;; mended = true) {
    lua_pushcfunction(L, send_chunk);
    lua_pushlightuserdata(L, outcome);
    lua_pushvalue(L, list);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK)
      return;
    if (mended || !bind_chunk_mend(L, outcome->chunk, list))
      lua_error(L);
    lua_settop(L, list);
  }
}

static mc_time clock_of(const struct worker *w) {
  return w->task.clocked ? mc_now() : 0;
}

/* A chunk of one item: what it raises is the task's error. */
static void run_item(lua_State *L, struct worker *w, struct wire_bytes *bytes) {
  mc_time start = clock_of(w);
  if (!wire_decode_scalar(L, bytes))
    wire_decode(L, bytes);
  int n = w->task.mode == BIND_STARMAP ? bind_chunk_spread(L) : 1;
  lua_call(L, n, 1);
  struct mc_result_head head = {.status = MC_RESULT_MAPPED, .item = 1};
  head.took = clock_of(w) - start;
  unsigned char room[WIRE_SCALAR_ROOM];
  if (!wire_encode_scalar(L, -1, room, bytes))
    wire_encode_from(L, lua_gettop(L), 1, "result", 1, bytes);
  send_result(L, w, &head, bytes);
}

static void run_chunk(lua_State *L, struct worker *w, int f) {
  struct wire_bytes items = arguments_of(w);
  if (items.length > 0 && items.bytes[0] == 1) { /* so many values */
    run_item(L, w, &items);
    return;
  }
  mc_time start = clock_of(w);
  struct bind_chunk chunk = {.seat = w->seat,
                             .items = items,
                             .timeout = w->task.timeout,
                             .star = w->task.mode == BIND_STARMAP};
  bind_chunk_run(L, &chunk, f);
  w->worn = chunk.no_memory && w->pool->confine.limits.memory > 0;
  struct outcome outcome = {w, &chunk, clock_of(w) - start};
  send_list(L, &outcome);
}

static void run_call(lua_State *L, struct worker *w, int f) {
  struct wire_bytes bytes = arguments_of(w);
  int n = wire_decode_scalar(L, &bytes) ? 1 : wire_decode(L, &bytes);
  lua_call(L, n, LUA_MULTRET);
  struct mc_result_head head = {.status = MC_RESULT_RETURNED};
  n = lua_gettop(L) - f + 1;
  unsigned char room[WIRE_SCALAR_ROOM];
  if (n != 1 || !wire_encode_scalar(L, f, room, &bytes))
    wire_encode(L, f, n, "result[]", &bytes);
  send_result(L, w, &head, &bytes);
}

static int run_task(lua_State *L) {
  struct worker *w = lua_touserdata(L, 1);
  if (mc_slips_given_up(w->pool->slips, w->task.id)) {
    struct mc_result_head head = {.status = MC_RESULT_CANCELLED};
    struct wire_bytes nothing = {0};
    send_result(L, w, &head, &nothing);
    return 0;
  }
  if (w->capture_error)
    return bind_raise(L, "capture", w->capture_error);
  push_function(L, w);
  int f = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  if (w->task.mode == BIND_CALL)
    run_call(L, w, f);
  else
    run_chunk(L, w, f);
  return 0;
}

/* The error at index 2 of the stack, as a result. */
static int send_error(lua_State *L) {
  struct worker *w = lua_touserdata(L, 1);
  struct mc_result_head head = {.status = MC_RESULT_RAISED};
  struct wire_bytes bytes;
  wire_encode(L, 2, 1, "error", &bytes);
  send_result(L, w, &head, &bytes);
  return 0;
}

static int try_send_error(lua_State *L, struct worker *w) {
  lua_pushcfunction(L, send_error);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, w);
  lua_insert(L, -2);
  return lua_pcall(L, 2, 0, 0);
}

/* Sends the error value on top. */
static void report_error(lua_State *L, struct worker *w) {
  lua_pushvalue(L, -1);
  if (try_send_error(L, w) == LUA_OK)
    return;
  /* The error itself can't be sent, but its text can. */
  const char *why = bind_error_text(L, -1);
  const char *text = bind_error_text(L, -3);
  lua_pushlstring(L, text, strnlen(text, MAX_ERROR_TEXT));
  bind_push_error(L, "Error", "%s\n(%s)", lua_tostring(L, -1), why);
  w->captures = false; /* what it wrote may be what is too big */
  if (try_send_error(L, w) != LUA_OK)
    mc_child_exit(1); /* no memory even for that: the foreman reports the task as lost */
}

/* ---- the loop ---- */

static bool has_task(struct bind_wait *wait) {
  mc_ref tasks = *(mc_ref *)wait->data;
  return mc_queue_size(tasks) > 0 || mc_queue_closed(tasks);
}

/* Protected by its caller: tasks of coroutines that an earlier task left run meanwhile.
 */
static int wait_for_task(lua_State *L) {
  struct worker *w = lua_touserdata(L, 1);
  struct bind_wait wait = {.ready = has_task, .data = &w->pool->tasks};
  wait.watch[0] = (struct mc_wait_for){w->pool->tasks, MC_READABLE};
  wait.n_watch = 1;
  bind_block(L, &wait, MC_FOREVER);
  return 0;
}

/* false: there is no more to do. */
static bool take(lua_State *L, struct worker *w) {
  for (;;) {
    int got;
    if (!bind_tasks_any() && !mc_loop_is_busy()) {
      got = mc_queue_take(w->pool->tasks, &w->lease, 1, MC_FOREVER);
    } else {
      lua_pushcfunction(L, wait_for_task);
      lua_pushlightuserdata(L, w);
      if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        lua_pop(L, 1);
      got = mc_queue_try_take(w->pool->tasks, &w->lease, 1);
    }
    if (got == 1)
      return true;
    if (got == MC_CLOSED)
      return false;
  }
}

static int begin(lua_State *L) {
  struct worker *w = lua_touserdata(L, 1);
  char name[96];
  snprintf(name, sizeof name, "%s-%u", w->pool->name, w->seat->number);
  bind_child_begin(L, name, true);
  mc_worker_write_lines();
  bind_confine_begin(L, &w->pool->confine);
  if (lua_getiuservalue(L, 2, BIND_POOL_INITIALIZER) == LUA_TFUNCTION) {
    lua_getiuservalue(L, 2, BIND_POOL_INITARGS);
    int args = lua_gettop(L);
    int n = bind_push_args(L, args);
    lua_remove(L, args);
    lua_call(L, n, 0);
  }
  return 0;
}

static int end(lua_State *L) {
  bind_child_end(L);
  return 0;
}

/* Whether it is held to what its pool was made with; else an error value is pushed. */
static bool confine(lua_State *L, struct worker *w) {
  w->gauge = w->pool->max_memory ? mc_memory_gauge_open() : -1;
  if (w->pool->max_memory && w->gauge < 0) {
    bind_push_error(L, "OSError", "Pool: max_memory: /proc/self/statm: %s",
                    mc_strerror(w->gauge));
    return false;
  }
  w->born_with = w->gauge >= 0 ? mc_memory_gauge_read(w->gauge) : 0;
  enum mc_confine_step step;
  int error = mc_confine_enter(&w->pool->confine, -1, &step);
  if (!error)
    return true;
  bind_confine_push_failure(L, step, error);
  bind_push_error(L, "OSError", "Pool: %s", lua_tostring(L, -1));
  return false;
}

/* Whether it uses more memory than a worker of its pool should. */
static bool is_too_big(const struct worker *w) {
  return w->gauge >= 0 &&
         mc_memory_gauge_read(w->gauge) > w->born_with + w->pool->max_memory;
}

/* 0, or the exit status of a worker that can't work. */
static int get_ready(lua_State *L, struct worker *w) {
  if (!confine(L, w)) {
    report_error(L, w);
    return MC_WORKER_UNFIT;
  }
  lua_Number seconds = w->pool->initializer_timeout;
  mc_seat_prepare(w->seat, seconds > 0 ? mc_deadline(seconds) : MC_FOREVER);
  lua_pushcfunction(L, bind_error_handler);
  lua_pushcfunction(L, begin);
  lua_pushlightuserdata(L, w);
  lua_pushvalue(L, 1);
  int begun = lua_pcall(L, 2, 0, -4);
  if (begun != LUA_OK) {
    if (begun == LUA_ERRMEM)
      bind_confine_out_of_memory(L);
    report_error(L, w);
    return MC_WORKER_UNFIT;
  }
  if (!mc_seat_ready(w->seat))
    bind_await_the_end();
  /* The pool's finalizer drops its queues: it must not run while this worker takes from
   * them. */
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, w->pool);
  return 0;
}

int bind_work(lua_State *L, struct bind_pool *pool, const struct mc_seat *seat) {
  struct worker w = {.pool = pool, .seat = seat, .pid = getpid()};
  lua_pushvalue(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pool_key);
  lua_pushboolean(L, false);
  w.function_at = luaL_ref(L, LUA_REGISTRYINDEX);
  int status = get_ready(L, &w);
  if (status)
    return status;
  for (lua_Integer done = 0; pool->max_tasks == 0 || done < pool->max_tasks; done++) {
    if (!take(L, &w))
      break;
    memcpy(&w.task, w.lease.bytes, sizeof w.task);
    w.capture_error = mc_seat_capture(seat, w.task.capture);
    w.captures = w.task.capture && !w.capture_error;
    mc_seat_begin(seat, w.task.id, deadline_of(&w));
    lua_pushcfunction(L, bind_error_handler);
    lua_pushcfunction(L, run_task);
    lua_pushlightuserdata(L, &w);
    int ended = lua_pcall(L, 1, 0, 1);
    if (ended == LUA_ERRMEM) {
      w.worn = pool->confine.limits.memory > 0;
      bind_confine_out_of_memory(L);
    }
    if (ended != LUA_OK)
      report_error(L, &w);
    mc_lease_settle(&w.lease);
    if (!mc_seat_end(seat))
      bind_await_the_end();
    lua_settop(L, 0);
    if (w.worn || is_too_big(&w))
      break;
  }
  lua_pushcfunction(L, end);
  lua_pcall(L, 0, 0, 0);
  return 0;
}
