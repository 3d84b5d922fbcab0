/* How a Lua function of ours waits: one way for the main chunk and for a coroutine task.
 *
 * Outside a task the process sleeps (its coroutine tasks and its loop go on meanwhile);
 * inside a task only the task is suspended. Ctrl-C and a task's cancellation are raised
 * from the wait, so what must be undone belongs in to-be-closed values or finalizers. Two
 * forms:
 *
 *   - one wait and then the rest: `return bind_wait(L, wait, deadline, ctx, k)`;
 *   - a loop that looks again after each wait, in k itself:
 *       if (bind_in_task(L)) return bind_wait(…, k); else bind_block(L, wait, deadline);
 */
#ifndef MC_BIND_WAIT_H
#define MC_BIND_WAIT_H

#include "share/wait.h"

#include <lua.h>
#include <stdbool.h>

#define BIND_WATCHES 4 /* shared objects that one wait may watch */

struct bind_task;

struct bind_wait {
  /* true once the wait is over. Called often, from the loop too: no Lua, no blocking.
   * NULL: only the deadline ends it, and it costs nothing until then. */
  bool (*ready)(struct bind_wait *wait);
  void *data;     /* for ready() */
  unsigned looks; /* for ready() */
  struct mc_wait_for
      watch[BIND_WATCHES]; /* shared objects whose change may make it ready */
  size_t n_watch;
  /* More of them, which the caller keeps. With them the caller does not take by itself:
   * see mc_wait_claim(). */
  const struct mc_wait_for *others;
  size_t n_others;
  /* ready() says the same of all waits with this ready(), data, looks and watch, and has
   * no effect. */
  bool alike;
  bool on_loop; /* made ready by a libuv callback: outside a task, run the loop to wait */
  mc_time deadline;
  int outcome; /* 0: ready; MC_TIMEOUT */
  /* What follows is bind/wait.c's. */
  struct bind_task *task; /* who is suspended */
  lua_KFunction k;
  lua_KContext context;
  struct bind_wait *next, *previous; /* the process's suspended waits */
  struct bind_wait *child;           /* bind/sleepers.c's, bind/suspended.c's */
  bool follows;
  int slot;
};

/* Takes a wait out of the children of another; `previous` is the sibling before or, of
 * the first, the parent. */
static inline void bind_wait_unlink(struct bind_wait *wait) {
  if (wait->previous->child == wait)
    wait->previous->child = wait->next;
  else
    wait->previous->next = wait->next;
  if (wait->next)
    wait->next->previous = wait->previous;
}

/* Pushes a new wait as a userdata; all fields zero. */
struct bind_wait *bind_wait_new(lua_State *L);

/* Waits, then calls k(L, status, ctx) with the stack as it was left; `wait` is a userdata
 * in it. Does not suspend when the wait is over already. */
int bind_wait(lua_State *L, struct bind_wait *wait, mc_time deadline, lua_KContext ctx,
              lua_KFunction k);

/* true when this call may be suspended as a coroutine task. */
bool bind_in_task(lua_State *L);

/* Waits outside a task (or where a task can't be suspended); sets and returns
 * wait->outcome. `wait` may be a local variable. */
int bind_block(lua_State *L, struct bind_wait *wait, mc_time deadline);

/* Raises what Ctrl-C or SIGTERM is to raise: after every system call that a signal
 * ended. */
void bind_check_interrupt(lua_State *L);

/* The deadline of an optional time-out argument in seconds: nil is MC_FOREVER. Raises for
 * anything that is not a number, and for NaN. */
mc_time bind_check_timeout(lua_State *L, int arg);

/* The deadline that the optional arguments `block` (a boolean) and, behind it, the
 * time-out mean: false is MC_NOW. */
mc_time bind_check_blocking(lua_State *L, int block);

/* Tasks whose wait is over become ready to run; bind/task.c calls it between runs. */
void bind_waits_look(void);

/* Takes a suspended wait out of the list, as over with `outcome`. */
void bind_wait_end(struct bind_wait *wait, int outcome);

/* In a forked child: the parent's suspended waits are not ours. */
void bind_waits_forget(void);

#endif
