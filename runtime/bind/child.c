#include "bind/child.h"

#include "bind/current.h"
#include "bind/error.h"
#include "bind/luv.h"
#include "bind/net.h"
#include "bind/task.h"
#include "bind/traceback.h"
#include "bind/wait.h"
#include "crew/interrupt.h"
#include "crew/pool.h"

#include <lauxlib.h>
#include <signal.h>

#define GRACE 2.0 /* s: a daemon that does not end on SIGTERM is killed after that */

static struct bind_child *children;

void bind_child_list(struct bind_child *child) {
  child->listed = true;
  child->previous = NULL;
  child->next = children;
  if (children)
    children->previous = child;
  children = child;
}

void bind_child_unlist(struct bind_child *child) {
  if (!child->listed)
    return;
  child->listed = false;
  if (child->previous)
    child->previous->next = child->next;
  else
    children = child->next;
  if (child->next)
    child->next->previous = child->previous;
}

static void forget_children(void) {
  while (children)
    bind_child_unlist(children);
}

/* ---- the beginning ---- */

void bind_seed_random(lua_State *L) {
  lua_getglobal(L, "math");
  if (lua_istable(L, -1) && lua_getfield(L, -1, "randomseed") == LUA_TFUNCTION) {
    lua_pushinteger(L, (lua_Integer)mc_child_seed());
    lua_pushinteger(L, (lua_Integer)mc_child_seed());
    lua_call(L, 2, 0);
    lua_pop(L, 1);
  } else {
    lua_pop(L, lua_istable(L, -1) ? 1 : 2);
  }
}

/* os.exit([code [, close]]) of a child: its parent's finalizers are not its to run, so
 * `close` means nothing here. */
static int child_exit(lua_State *L) {
  int status;
  if (lua_isboolean(L, 1))
    status = lua_toboolean(L, 1) ? 0 : 1;
  else
    status = (int)luaL_optinteger(L, 1, 0);
  mc_child_exit(status);
}

static void replace_exit(lua_State *L) {
  lua_getglobal(L, "os");
  if (lua_istable(L, -1)) {
    lua_pushcfunction(L, child_exit);
    lua_setfield(L, -2, "exit");
  }
  lua_pop(L, 1);
}

int bind_after_fork(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, "mooncrew.after_fork");
  lua_insert(L, 1);
  lua_rawseti(L, 1, (lua_Integer)lua_rawlen(L, 1) + 1);
  return 0;
}

void bind_child_begin(lua_State *L, const char *name, bool daemon) {
  mc_interrupt_hold(false);
  mc_interrupt_take(); /* a Ctrl-C just before the fork is the parent's to raise */
  forget_children();
  bind_traceback_base(L);
  bind_tasks_forget(L);
  bind_current_set(name, daemon);
  bind_luv_forked(L);
  bind_net_forked();
  replace_exit(L);
  bind_seed_random(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, "mooncrew.after_fork");
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    lua_call(L, 0, 0);
  }
  lua_pop(L, 1);
}

/* ---- the end ---- */

static bool no_task_left(struct bind_wait *wait) {
  (void)wait;
  return !bind_tasks_any();
}

static bool child_ended(struct bind_wait *wait) {
  return mc_child_ended(wait->data);
}

static void join(lua_State *L, struct mc_child *child, mc_time deadline) {
  struct bind_wait wait = {.ready = child_ended, .data = child};
  bind_block(L, &wait, deadline);
}

static void end_children(lua_State *L, bool all) {
  for (struct bind_child *child = children; child; child = child->next)
    if (!child->is_pool && (all || child->daemon))
      mc_child_signal(&child->child, SIGTERM);
  mc_time deadline = mc_deadline(GRACE);
  for (struct bind_child *child = children, *next; child; child = next) {
    next = child->next;
    if (child->is_pool) {
      mc_pool_terminate(&child->child);
    } else if (all || child->daemon) {
      join(L, &child->child, deadline);
      mc_child_signal(&child->child, SIGKILL);
      join(L, &child->child, MC_FOREVER);
    } else {
      continue;
    }
    bind_child_unlist(child);
  }
  while (children) {
    join(L, &children->child, MC_FOREVER);
    bind_child_unlist(children);
  }
}

void bind_child_end(lua_State *L) {
  struct bind_wait wait = {.ready = no_task_left};
  bind_block(L, &wait, MC_FOREVER);
  end_children(L, false);
  bind_tasks_raise_unseen(L);
}

int bind_finish(lua_State *L) {
  if (lua_toboolean(L, 1))
    end_children(L, true);
  else
    bind_child_end(L);
  mc_watcher_stop();
  return 0;
}
