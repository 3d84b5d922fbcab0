/* Coroutine tasks: their life from spawn to the end. See bind/task.h.
 *
 *   spawn ─▶ ready ─▶ running ─▶ parked in a wait ─▶ ready … ─▶ ended
 *
 * A live task is anchored in the registry. User value 1 of the userdata is its coroutine,
 * user value 2 its results (a packed table) or its error, 3 what it is called. */
#include "bind/task.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/task_name.h"
#include "bind/traceback.h"
#include "bind/waitable.h"

#include <lauxlib.h>

#define CLASS "mooncrew.Task"

struct bind_task {
  lua_State *co; /* NULL once it has ended */
  struct bind_wait *wait;
  struct bind_task *next; /* in the line of those that are ready */
  int n_arguments;        /* on co's stack, for the first resume */
  bool ended, failed, cancelled;
  bool cancel_asked;
  bool seen; /* somebody asked for its outcome */
  uint64_t id;
  unsigned era; /* of the process that it belongs to */
};

static const char live_key,
    unseen_key; /* registry: tasks that live; whose error is unseen */

static struct bind_task *first_ready, *last_ready;
static struct bind_task *current;
static lua_State *current_thread; /* the coroutine that runs inside the current task */
static bool parking;
static unsigned n_live;
static bool any_unseen; /* an error that nobody asked for is kept */
static uint64_t last_id;
static unsigned this_era;   /* one more in each child than in its parent */
static uint64_t closing_id; /* of the task whose pending variables are being closed */

/* ---- what bind/wait.c and bind/coroutine.c ask ---- */

bool bind_tasks_any_unseen(void) {
  return any_unseen;
}

bool bind_tasks_any(void) {
  return n_live > 0;
}

struct bind_task *bind_task_current(void) {
  return current;
}

uint64_t bind_task_id(void) {
  return current ? current->id : closing_id;
}

bool bind_task_is_at(lua_State *L) {
  return current && current_thread == L;
}

lua_State *bind_task_move(lua_State *to) {
  lua_State *from = current_thread;
  current_thread = to;
  return from;
}

void bind_task_ready(struct bind_task *task) {
  task->wait = NULL;
  task->next = NULL;
  if (last_ready)
    last_ready->next = task;
  else
    first_ready = task;
  last_ready = task;
}

void bind_task_park(struct bind_wait *wait) {
  current->wait = wait;
  parking = true;
}

bool bind_task_is_parking(void) {
  return parking;
}

void bind_task_check_cancel(lua_State *L) {
  if (!current || !current->cancel_asked)
    return;
  current->cancel_asked = false; /* told once: what cleans up may wait again */
  bind_push_constant(L, MC_CANCELLED);
  lua_error(L);
}

/* ---- running ---- */

static void push_task(lua_State *L, struct bind_task *task) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
  lua_rawgetp(L, -1, task);
  lua_remove(L, -2);
}

/* Sets the task's outcome to the value on top, and lets go of the coroutine and the
 * anchor. */
static void end_task(lua_State *L, struct bind_task *task) {
  push_task(L, task);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 2);
  lua_pushnil(L);
  lua_setiuservalue(L, -2, 1);
  task->co = NULL;
  task->ended = true;
  n_live--;
  if (task->failed && !task->seen) {
    any_unseen = true;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &unseen_key);
    if (lua_rawlen(L, -1) < 10) { /* enough to tell; not a leak when thousands fail */
      lua_pushvalue(L, -2);
      lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    lua_pop(L, 1);
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
  lua_pushnil(L);
  lua_rawsetp(L, -2, task);
  lua_pop(L, 2);
}

static void returned(lua_State *L, struct bind_task *task, int n) {
  luaL_checkstack(L, n + 4, NULL);
  lua_createtable(L, n, 1);
  for (int i = n; i >= 1; i--) {
    lua_xmove(task->co, L, 1);
    lua_rawseti(L, -2, i);
  }
  lua_pushinteger(L, n);
  lua_setfield(L, -2, "n");
  end_task(L, task);
}

static void raised(lua_State *L, struct bind_task *task) {
  lua_State *co = task->co;
  luaL_checkstack(L, 6, NULL);
  lua_pushvalue(co, -1);
  lua_xmove(co, L, 1);
  bind_push_constant(L, MC_CANCELLED);
  task->cancelled = lua_rawequal(L, -1, -2);
  lua_pop(L, 1);
  task->failed = !task->cancelled;
  lua_createtable(L, 2, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  bind_push_traceback(L, co, 0);
  lua_rawseti(L, -2, 2);
  uint64_t outer = closing_id;
  closing_id = task->id; /* what it holds is its own still */
  lua_resetthread(co); /* closes its pending variables; an error in there adds nothing */
  closing_id = outer;
  end_task(L, task);
}

static void run(lua_State *L, struct bind_task *task) {
  int n, n_arguments = task->n_arguments;
  task->n_arguments = 0;
  if (lua_status(task->co) == LUA_OK && task->cancel_asked) {
    lua_settop(task->co, 0); /* cancelled before it began */
    bind_push_constant(L, MC_CANCELLED);
    lua_xmove(L, task->co, 1);
    raised(L, task);
    return;
  }
  current = task;
  current_thread = task->co;
  mc_time began = mc_now();
  int status = lua_resume(task->co, L, n_arguments, &n);
  mc_time took = mc_now() - began;
  current = NULL;
  current_thread = NULL;
  if (took >= BIND_TASK_SLOW) {
    push_task(L, task);
    bind_task_tell_slow(L, task->id, took);
  }
  if (status == LUA_YIELD) {
    lua_pop(task->co, n);
    if (!parking)
      bind_task_ready(task); /* a plain yield lets the others run */
    parking = false;
  } else if (status == LUA_OK) {
    returned(L, task, n);
  } else {
    raised(L, task);
  }
}

bool bind_tasks_run(lua_State *L) {
  struct bind_task *task = first_ready, *last = last_ready;
  if (!task)
    return false;
  /* Only those that are ready now: one that yields at once must not starve the loop. */
  for (bool more = true; more;) {
    task = first_ready;
    first_ready = task->next;
    if (!first_ready)
      last_ready = NULL;
    more = task != last;
    run(L, task);
  }
  return true;
}

/* Makes the table of the registry empty. One that is so already is let be: a child would
 * have to copy the memory that a new one is written to. */
static void empty(lua_State *L, const void *key) {
  int top = lua_gettop(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) {
    lua_pushnil(L);
    if (!lua_next(L, -2)) {
      lua_settop(L, top);
      return;
    }
  }
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
  lua_settop(L, top);
}

void bind_tasks_forget(lua_State *L) {
  first_ready = last_ready = NULL;
  current = NULL;
  current_thread = NULL;
  parking = false;
  n_live = 0;
  this_era++;
  any_unseen = false;
  bind_waits_forget();
  empty(L, &live_key);
  empty(L, &unseen_key);
}

/* -- Lua
 * -------------------------------------------------------------------------------------
 */

static struct bind_task *check_task(lua_State *L) {
  return luaL_checkudata(L, 1, CLASS);
}

/* mooncrew.spawn(fn, ...) */
static int spawn(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  int n = lua_gettop(L);
  struct bind_task *task = lua_newuserdatauv(L, sizeof *task, 3);
  *task = (struct bind_task){.n_arguments = n - 1, .id = ++last_id, .era = this_era};
  luaL_setmetatable(L, CLASS);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, BIND_TASK_LABEL);
  lua_State *co = lua_newthread(L);
  luaL_checkstack(co, n + 1, "too many arguments");
  lua_setiuservalue(L, -2, 1);
  lua_insert(L, 1);
  lua_xmove(L, co, n);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
  lua_pushvalue(L, 1);
  lua_rawsetp(L, -2, task);
  task->co = co;
  n_live++;
  bind_task_ready(task);
  lua_settop(L, 1);
  return 1;
}

/* What has ended before a fork is there in the child as well. */
static bool is_of_another(const struct bind_task *task) {
  return !task->ended && task->era != this_era;
}

static struct bind_task *check_own(lua_State *L, const char *function) {
  struct bind_task *task = check_task(L);
  if (is_of_another(task))
    luaL_error(L, "%s: the task belongs to another process", function);
  return task;
}

static bool task_ended(struct bind_wait *wait) {
  return ((struct bind_task *)wait->data)->ended;
}

static bool has_ended(void *task) {
  return ((struct bind_task *)task)->ended;
}

static void check_waitable(lua_State *L, void *task) {
  if (is_of_another(task))
    bind_error(L, "wait: the task belongs to another process");
  if (task == current)
    bind_error(L, "wait: a task can't wait for itself");
}

static const struct bind_waitable waitable = {.ready = has_ended,
                                              .check = check_waitable};

static int wait_for_task(lua_State *L, const char *function, lua_KFunction k) {
  struct bind_task *task = check_own(L, function);
  mc_time deadline = bind_check_timeout(L, 2);
  luaL_argcheck(L, task != current, 1, "a task can't wait for itself");
  lua_settop(L, 1);
  struct bind_wait *wait = bind_wait_new(L);
  wait->ready = task_ended;
  wait->alike = true;
  wait->data = task;
  return bind_wait(L, wait, deadline, (lua_KContext)wait, k);
}

static int joined(lua_State *L, int status, lua_KContext context) {
  struct bind_wait *wait = (struct bind_wait *)context;
  (void)status;
  if (wait->outcome)
    return bind_outcome(L, MC_TIMEOUT);
  lua_pushboolean(L, true);
  return 1;
}

static int task_join(lua_State *L) {
  return wait_for_task(L, "join", joined);
}

static int got(lua_State *L, int status, lua_KContext context) {
  struct bind_wait *wait = (struct bind_wait *)context;
  struct bind_task *task = wait->data;
  (void)status;
  if (wait->outcome)
    return bind_outcome(L, MC_TIMEOUT);
  task->seen = true;
  if (task->cancelled)
    return bind_outcome(L, MC_CANCELLED);
  lua_getiuservalue(L, 1, 2);
  if (task->failed) {
    lua_rawgeti(L, -1, 1);
    return lua_error(L);
  }
  lua_getfield(L, -1, "n");
  int n = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  int table = lua_gettop(L);
  luaL_checkstack(L, n + 1, "too many results");
  for (int i = 1; i <= n; i++)
    lua_rawgeti(L, table, i);
  return n;
}

static int task_get(lua_State *L) {
  return wait_for_task(L, "get", got);
}

static int task_cancel(lua_State *L) {
  struct bind_task *task = check_own(L, "cancel");
  if (!task->ended) {
    task->cancel_asked = true;
    if (task->wait)
      bind_wait_end(task->wait, MC_CANCELLED);
  }
  lua_pushboolean(L, !task->ended);
  return 1;
}

static int task_is_alive(lua_State *L) {
  const struct bind_task *task = check_task(L);
  lua_pushboolean(L, !task->ended && !is_of_another(task));
  return 1;
}

static int task_traceback(lua_State *L) {
  struct bind_task *task = check_task(L);
  lua_getiuservalue(L, 1, 2);
  if (!task->failed)
    return 0;
  lua_rawgeti(L, -1, 2);
  return 1;
}

static int task_get_name(lua_State *L) {
  bind_task_push_name(L, 1, check_task(L)->id);
  return 1;
}

/* task:set_name(name): a string; or a function, for its place */
static int task_set_name(lua_State *L) {
  check_task(L);
  if (lua_type(L, 2) != LUA_TFUNCTION)
    luaL_checktype(L, 2, LUA_TSTRING);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, BIND_TASK_LABEL);
  return 0;
}

/* mooncrew.current_task() → the task that runs, or nil */
static int current_task(lua_State *L) {
  if (!current)
    return 0;
  push_task(L, current);
  return 1;
}

static int task_tostring(lua_State *L) {
  struct bind_task *task = check_task(L);
  const char *state = !task->ended      ? "alive"
                      : task->failed    ? "failed"
                      : task->cancelled ? "cancelled"
                                        : "done";
  lua_pushfstring(L, "%s: %p (%s)", CLASS, (void *)task, state);
  return 1;
}

/* parts.forget_cancel(): what asked the current task to cancel is answered */
static int forget_cancel(lua_State *L) {
  (void)L;
  if (current)
    current->cancel_asked = false;
  return 0;
}

void bind_tasks_raise_unseen(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &unseen_key);
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    struct bind_task *task = lua_touserdata(L, -1);
    if (task->seen) {
      lua_pop(L, 1);
      continue;
    }
    lua_getiuservalue(L, -1, 2);
    lua_rawgeti(L, -1, 2);
    const char *traceback = lua_tostring(L, -1);
    lua_rawgeti(L, -2, 1);
    luaL_error(L, "in a task that nobody waited for: %s\n%s", bind_error_text(L, -1),
               traceback);
  }
  any_unseen = false;
  lua_pop(L, 1);
}

static const luaL_Reg methods[] = {
    {"join", task_join},           {"get", task_get},
    {"cancel", task_cancel},       {"is_alive", task_is_alive},
    {"traceback", task_traceback}, {"get_name", task_get_name},
    {"set_name", task_set_name},   {NULL, NULL},
};

static int slept(lua_State *L, int status, lua_KContext context) {
  (void)L, (void)status, (void)context;
  return 0;
}

/* mooncrew.sleep(seconds) */
static int sleep_for(lua_State *L) {
  luaL_checktype(L, 1, LUA_TNUMBER);
  mc_time deadline = bind_check_timeout(L, 1);
  luaL_argcheck(L, lua_tonumber(L, 1) >= 0, 1, "seconds must not be negative");
  return bind_wait(L, bind_wait_new(L), deadline, 0, slept);
}

void bind_open_task_parts(lua_State *L) {
  lua_pushcfunction(L, forget_cancel);
  lua_setfield(L, -2, "forget_cancel");
}

void bind_open_task(lua_State *L) {
  bind_tasks_forget(L);
  luaL_newmetatable(L, CLASS);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, task_tostring);
  lua_setfield(L, -2, "__tostring");
  bind_set_waitable(L, &waitable);
  lua_pop(L, 1);
  lua_pushcfunction(L, spawn);
  lua_setfield(L, -2, "spawn");
  lua_pushcfunction(L, current_task);
  lua_setfield(L, -2, "current_task");
  lua_pushcfunction(L, sleep_for);
  lua_setfield(L, -2, "sleep");
}
