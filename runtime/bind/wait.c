#include "bind/wait.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/sleepers.h"
#include "bind/suspended.h"
#include "bind/task.h"
#include "crew/interrupt.h"
#include "crew/loop.h"

#include <lauxlib.h>
#include <stdlib.h>

#define CLASS "mooncrew.wait"

static void link_wait(struct bind_wait *wait) {
  if (wait->ready)
    bind_suspended_add(wait);
  else
    bind_sleepers_add(wait);
}

static void unlink_wait(struct bind_wait *wait) {
  wait->task = NULL;
  if (wait->ready)
    bind_suspended_remove(wait);
  else
    bind_sleepers_remove(wait);
}

/* The coroutine of a suspended wait may be collected or closed under it: the task goes
 * on, and finds it dead. */
static int wait_gc(lua_State *L) {
  struct bind_wait *wait = lua_touserdata(L, 1);
  if (wait->task)
    bind_wait_end(wait, MC_CANCELLED);
  return 0;
}

struct bind_wait *bind_wait_new(lua_State *L) {
  struct bind_wait *wait = lua_newuserdatauv(L, sizeof *wait, 0);
  *wait = (struct bind_wait){0};
  if (luaL_newmetatable(L, CLASS)) {
    lua_pushcfunction(L, wait_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return wait;
}

mc_time bind_check_timeout(lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg))
    return MC_FOREVER;
  luaL_checktype(L, arg, LUA_TNUMBER);
  lua_Number seconds = lua_tonumber(L, arg);
  luaL_argcheck(L, seconds == seconds, arg,
                "time-out is not a number of seconds (got NaN)");
  return mc_deadline(seconds);
}

mc_time bind_check_blocking(lua_State *L, int block) {
  if (lua_gettop(L) < block) /* most often */
    return MC_FOREVER;
  mc_time deadline = bind_check_timeout(L, block + 1);
  if (!lua_isnoneornil(L, block)) {
    luaL_checktype(L, block, LUA_TBOOLEAN);
    if (!lua_toboolean(L, block))
      return MC_NOW;
  }
  return deadline;
}

/* Whether it is over at `*now`, which is looked up when it is 0; sets the outcome. */
static bool over_at(struct bind_wait *wait, mc_time *now) {
  wait->outcome = 0;
  if (wait->ready && wait->ready(wait))
    return true;
  if (wait->deadline == MC_FOREVER)
    return false;
  if (!*now)
    *now = mc_now();
  if (*now < wait->deadline)
    return false;
  wait->outcome = MC_TIMEOUT;
  return true;
}

static bool over(struct bind_wait *wait) {
  mc_time now = 0;
  return over_at(wait, &now);
}

static int resumed(lua_State *L, int status, lua_KContext context) {
  struct bind_wait *wait = (struct bind_wait *)context;
  if (wait->task) {
    /* Somebody else has resumed the coroutine that a task waits in. That one is told. */
    bind_wait_end(wait, MC_CANCELLED);
    return luaL_error(L, "cannot resume a coroutine whose task waits");
  }
  bind_task_check_cancel(L);
  return wait->k(L, status, wait->context);
}

bool bind_in_task(lua_State *L) {
  return bind_task_is_at(L) && lua_isyieldable(L);
}

int bind_wait(lua_State *L, struct bind_wait *wait, mc_time deadline, lua_KContext ctx,
              lua_KFunction k) {
  if (!bind_in_task(L)) {
    bind_block(L, wait, deadline);
    return k(L, LUA_OK, ctx);
  }
  bind_task_check_cancel(L); /* it was cancelled since its last wait: by itself, say */
  wait->deadline = deadline;
  if (over(wait))
    return k(L, LUA_OK, ctx);
  wait->k = k;
  wait->context = ctx;
  wait->task = bind_task_current();
  link_wait(wait);
  bind_task_park(wait);
  return lua_yieldk(L, 0, (lua_KContext)wait, resumed);
}

void bind_wait_end(struct bind_wait *wait, int outcome) {
  struct bind_task *task = wait->task;
  wait->outcome = outcome;
  unlink_wait(wait);
  bind_task_ready(task);
}

void bind_waits_look(void) {
  mc_time now = 0;
  struct bind_wait *sleeper;
  while ((sleeper = bind_sleepers_first()) && over_at(sleeper, &now))
    bind_wait_end(sleeper, sleeper->outcome);
  for (struct bind_wait *wait = bind_suspended_first(), *next; wait; wait = next) {
    next = wait->next;
    if (!over_at(wait, &now))
      continue;
    while (wait->child) /* who follows is over as well */
      bind_wait_end(wait->child, wait->outcome);
    bind_wait_end(wait, wait->outcome);
  }
}

void bind_waits_forget(void) {
  bind_suspended_forget();
  bind_sleepers_forget();
}

void bind_check_interrupt(lua_State *L) {
  enum mc_interruption what = mc_interrupt_take();
  if (what)
    luaL_error(L, "%s", mc_interrupt_text(what));
  if (!lua_gethook(L))
    return;
  /* In a foreign host the signal handler has set a hook that raises when Lua code runs
   * next. */
  if (luaL_loadstring(L, "return") != LUA_OK)
    lua_error(L);
  lua_call(L, 0, 0);
}

/* Everything that somebody of this process waits for, and when the first of them times
 * out. */
struct watch_list {
  struct mc_wait_for *items;
  size_t n, capacity;
  mc_time deadline;
};

static bool add(struct watch_list *list, const struct bind_wait *wait) {
  if (wait->deadline < list->deadline)
    list->deadline = wait->deadline;
  size_t more = wait->n_watch + wait->n_others;
  if (list->n + more > list->capacity) {
    size_t capacity = 2 * (list->n + more);
    struct mc_wait_for *items = realloc(list->items, capacity * sizeof *items);
    if (!items)
      return false;
    list->items = items;
    list->capacity = capacity;
  }
  for (size_t i = 0; i < wait->n_watch; i++)
    list->items[list->n++] = wait->watch[i];
  for (size_t i = 0; i < wait->n_others; i++)
    list->items[list->n++] = wait->others[i];
  return true;
}

static struct bind_wait *turning; /* the wait outside a task that the turn is for */

static bool anything_over(void) {
  mc_time now = 0;
  struct bind_wait *sleeper = bind_sleepers_first();
  if (over_at(turning, &now) || (sleeper && over_at(sleeper, &now)))
    return true;
  for (struct bind_wait *wait = bind_suspended_first(); wait; wait = wait->next)
    if (over_at(wait, &now))
      return true;
  return false;
}

/* What a turn of the loop waits for. false: no memory. */
static bool collect(struct watch_list *list, const struct bind_wait *mine,
                    bool run_tasks) {
  list->n = 0;
  list->deadline = MC_FOREVER;
  bool complete = add(list, mine);
  if (run_tasks && bind_sleepers_first())
    complete = add(list, bind_sleepers_first()) && complete;
  if (run_tasks)
    for (struct bind_wait *wait = bind_suspended_first(); wait; wait = wait->next)
      complete = add(list, wait) && complete;
  return complete;
}

/* One turn of the loop, in which others of this process may become ready too. */
static void turn(lua_State *L, struct bind_wait *mine, bool run_tasks) {
  static struct watch_list spare; /* reused; one thread */
  /* Taken out: a callback of the loop may wait in a turn of its own. */
  struct watch_list list = spare;
  spare = (struct watch_list){0};
  bool complete = collect(&list, mine, run_tasks);
  turning = mine;
  int error = 0;
  if (complete)
    error = mc_loop_turn(list.items, list.n, list.deadline, anything_over);
  /* Before the tasks run: what they let go of is not looked at any more. */
  if (complete && !error)
    mc_loop_turned(list.items, list.n);
  free(spare.items);
  spare = list;
  if (!complete)
    luaL_error(L, "not enough memory");
  if (error)
    bind_raise(L, "wait", error);
  if (run_tasks) {
    bind_waits_look();
    bind_tasks_run(L);
  }
  mc_bell_settle();
}

int bind_block(lua_State *L, struct bind_wait *wait, mc_time deadline) {
  /* A task that can't be suspended here blocks the process, and the other tasks with it:
   * they can't be run on top of its stack. */
  bool run_tasks = bind_task_current() == NULL;
  wait->deadline = deadline;
  while (!over(wait)) {
    if (run_tasks && bind_tasks_any()) {
      bind_waits_look();
      if (bind_tasks_run(L)) {
        mc_loop_run_pending();
        bind_check_interrupt(L);
        continue;
      }
    }
    if (wait->on_loop || (run_tasks && (bind_tasks_any() || mc_loop_is_busy())))
      turn(L, wait, run_tasks);
    else if (wait->n_others)
      mc_wait_claim(wait->others, wait->n_others, wait->deadline);
    else
      mc_wait(wait->watch, wait->n_watch, wait->deadline);
    bind_check_interrupt(L);
  }
  return wait->outcome;
}
