#include "bind/child.h"

#include "bind/current.h"
#include "bind/error.h"
#include "bind/luv.h"
#include "bind/net.h"
#include "bind/screen.h"
#include "bind/task.h"
#include "bind/traceback.h"
#include "bind/wait.h"
#include "crew/interrupt.h"
#include "crew/pool.h"

#include <lauxlib.h>
#include <signal.h>

#define GRACE 2.0 /* s: a daemon that does not end on SIGTERM is killed after that */

static struct bind_child *children;
static const char after_fork_key; /* registry: the functions given to it, in order */
static const char seeder_key;     /* registry: math.randomseed */
static bool prepared;             /* bind_child_prepare has been called for this fork */

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

static void seed_random(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &seeder_key) == LUA_TFUNCTION) {
    uint64_t seed[2];
    mc_child_seed(seed);
    lua_pushinteger(L, (lua_Integer)seed[0]);
    lua_pushinteger(L, (lua_Integer)seed[1]);
    lua_call(L, 2, 0);
  } else {
    lua_pop(L, 1);
  }
}

/* os.exit([code [, close]]). In a child: its parent's finalizers are not its to run, so
 * `close` means nothing there. Else the upvalue, which is what was there before. */
static int exit_process(lua_State *L) {
  int status;
  if (!bind_parent_name()) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
  }
  if (lua_isboolean(L, 1))
    status = lua_toboolean(L, 1) ? 0 : 1;
  else
    status = (int)luaL_optinteger(L, 1, 0);
  mc_child_exit(status);
}

static void replace_exit(lua_State *L) {
  int top = lua_gettop(L);
  lua_getglobal(L, "os");
  if (lua_istable(L, -1) && lua_getfield(L, -1, "exit") == LUA_TFUNCTION &&
      lua_tocfunction(L, -1) != exit_process) {
    lua_pushcclosure(L, exit_process, 1);
    lua_setfield(L, -2, "exit");
  }
  lua_settop(L, top);
}

static void note_seeder(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &seeder_key);
  lua_getglobal(L, "math");
  if (lua_istable(L, -1))
    lua_getfield(L, -1, "randomseed");
  else
    lua_pushnil(L);
  if (!lua_rawequal(L, -1, -3)) {
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &seeder_key);
  }
  lua_pop(L, 3);
}

void bind_child_prepare(lua_State *L) {
  replace_exit(L);
  note_seeder(L);
  prepared = true;
}

void bind_child_prepared(void) {
  prepared = false;
}

int bind_after_fork(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &after_fork_key) == LUA_TNIL) {
    lua_newtable(L);
    lua_copy(L, -1, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &after_fork_key);
  }
  lua_insert(L, 1);
  lua_rawseti(L, 1, (lua_Integer)lua_rawlen(L, 1) + 1);
  return 0;
}

static void call_after_fork(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &after_fork_key) == LUA_TTABLE) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
      lua_rawgeti(L, -1, i);
      lua_call(L, 0, 0);
    }
  }
  lua_pop(L, 1);
}

/* The collector writes to each object that it looks at, and so copies the parent's heap
 * into the child page by page. It is let wait until the child has as much again of its
 * own: most end before. (A negative step puts off the next one.) */
static void put_off_collector(lua_State *L) {
  int kibibytes = lua_gc(L, LUA_GCCOUNT);
  if (kibibytes > 0)
    lua_gc(L, LUA_GCSTEP, -kibibytes);
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
  put_off_collector(L);
  if (!prepared)
    bind_child_prepare(L);
  prepared = false;
  bind_screen_begin(L);
  seed_random(L);
  call_after_fork(L);
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
  if (!children)
    return;
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
