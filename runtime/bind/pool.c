#include "bind/pool.h"

#include "base/error.h"
#include "bind/child.h"
#include "bind/class.h"
#include "bind/current.h"
#include "bind/error.h"
#include "bind/latch.h"
#include "bind/screen.h"
#include "bind/task.h"
#include "bind/wait.h"
#include "bind/waitable.h"
#include "crew/interrupt.h"
#include "crew/loop.h"
#include "crew/pool.h"
#include "share/object.h"
#include "share/queue.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <unistd.h>

static struct bind_class pool_class = {.name = "mooncrew.pool"};

struct bind_pool *bind_check_pool(lua_State *L) {
  struct bind_pool *pool = bind_class_check(L, 1, &pool_class);
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

static void drop_shared(struct bind_pool *pool) {
  bind_pool_drop_chunk(pool);
  if (pool->owner == bind_current_pid())
    bind_inbox_clear(&pool->inbox);
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
  pool->slips = mc_slips_create(places);
  if (!pool->board || !pool->slips)
    return -ENOMEM;
  int error = mc_queue_create(&tasks, &pool->tasks);
  return error ? error : mc_queue_create(&results, &pool->results);
}

/* pool(processes, name, max_tasks, initializer, initargs, initializer_timeout,
 * max_memory, confine, places): the arguments are checked already. Of so
 * many tasks under way each can be given up: crew/slips.h */
static int make_pool(lua_State *L) {
  lua_settop(L, 9);
  struct mc_confine confine;
  if (bind_confine_prepare(L, 8, &confine)) {
    bind_push_error(L, "OSError", "Pool: %s", lua_tostring(L, -1));
    return lua_error(L);
  }
  lua_Number initializer_timeout = luaL_optnumber(L, 6, 0);
  uint64_t max_memory = (uint64_t)luaL_optinteger(L, 7, 0);
  uint32_t places = (uint32_t)luaL_optinteger(L, 9, MC_SLIPS_MAX);
  lua_settop(L, 5);
  struct bind_pool *pool = lua_newuserdatauv(L, sizeof *pool, BIND_POOL_TASKS);
  *pool = (struct bind_pool){.owner = getpid(),
                             .processes = (unsigned)luaL_checkinteger(L, 1),
                             .max_tasks = luaL_checkinteger(L, 3),
                             .initializer_timeout = initializer_timeout,
                             .max_memory = max_memory,
                             .confine = confine};
  snprintf(pool->name, sizeof pool->name, "%s", luaL_checkstring(L, 2));
  luaL_setmetatable(L, pool_class.name);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, 6, BIND_POOL_INITIALIZER);
  lua_pushvalue(L, 5);
  lua_setiuservalue(L, 6, BIND_POOL_INITARGS);
  lua_newtable(L);
  lua_setiuservalue(L, 6, BIND_POOL_TASKS);
  lua_replace(L, 1);
  lua_settop(L, 1); /* the userdata is where the workers look for it */
  luaL_checkstack(L, 40, NULL);
  bind_screen_fork(L);
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
  struct bind_pool *pool = bind_check_pool(L);
  mc_interrupt_set_deadly(lua_toboolean(L, 2));
  terminate(pool);
  mc_interrupt_set_deadly(false);
  return 0;
}

static int pool_gc(lua_State *L) {
  struct bind_pool *pool = luaL_checkudata(L, 1, pool_class.name);
  terminate(pool);
  drop_shared(pool);
  bind_outbox_free(&pool->outbox);
  bind_ledger_free(&pool->ledger);
  return 0;
}

static int pool_close(lua_State *L) {
  mc_queue_close(bind_check_pool(L)->tasks);
  return 0;
}

static bool pool_ready(void *userdata) {
  struct bind_pool *pool = userdata;
  return bind_inbox_has_some(&pool->inbox) || mc_queue_size(pool->results) > 0 ||
         mc_board_starved(pool->board) || mc_child_ended(&pool->child.child);
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

static void watch(struct bind_wait *wait, struct pool_wait *what) {
  wait->ready = something_to_do;
  wait->data = what;
  wait->watch[0] = (struct mc_wait_for){what->pool->results, MC_READABLE};
  wait->n_watch = 1;
}

/* pool:wait([latch [, timeout]]): until the latch is set, there is something to collect,
 * or the pool has ended → true; or nil and Timeout */
static int pool_wait(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  struct bind_latch *latch = bind_opt_latch(L, 2);
  mc_time deadline = bind_check_timeout(L, 3);
  lua_settop(L, 2);
  struct pool_wait *what = lua_newuserdatauv(L, sizeof *what, 0);
  *what = (struct pool_wait){pool, latch};
  struct bind_wait *wait = bind_wait_new(L);
  watch(wait, what);
  return bind_wait(L, wait, deadline, (lua_KContext)wait, waited);
}

/* pool:wait_alone([timeout]): the same without a latch; or false: that is not possible,
 * as other Lua code of this process may run meanwhile, in a task or a callback */
static int pool_wait_alone(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  mc_time deadline = bind_check_timeout(L, 2);
  if (bind_in_task(L) || bind_tasks_any() || mc_loop_is_busy()) {
    lua_pushboolean(L, false);
    return 1;
  }
  struct pool_wait what = {pool, NULL};
  struct bind_wait wait = {0};
  watch(&wait, &what);
  bind_block(L, &wait, deadline);
  return waited(L, LUA_OK, (lua_KContext)&wait);
}

static size_t pool_watch(void *userdata, struct mc_wait_for *watch) {
  struct bind_pool *pool = userdata;
  watch[0] = (struct mc_wait_for){pool->results, MC_READABLE};
  return 1;
}

static void pool_check(lua_State *L, void *userdata) {
  const struct bind_pool *pool = userdata;
  if (pool->owner != bind_current_pid())
    bind_error(L, "wait: pool '%s' belongs to another process", pool->name);
}

static const struct bind_waitable waitable = {pool_ready, pool_watch, pool_check};

/* pool:doom(id): ends the worker that has the task in hand; whether one has */
static int pool_doom(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  bool doomed = mc_board_doom(pool->board, (uint64_t)luaL_checkinteger(L, 2));
  if (doomed)
    mc_member_ring(pool->child.child.member);
  lua_pushboolean(L, doomed);
  return 1;
}

/* pool:give_up(id): a worker that has not begun the task by now does not run it */
static int pool_give_up(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  mc_slips_give_up(pool->slips, (uint64_t)luaL_checkinteger(L, 2));
  return 0;
}

/* pool:take_back(id): the items of the chunk that its worker has not begun are the
 * caller's again → how many it has begun, and does; or nil: there is nothing to take back
 */
static int pool_take_back(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  uint32_t begun = mc_board_close(pool->board, (uint64_t)luaL_checkinteger(L, 2));
  if (begun == 0)
    return 0;
  lua_pushinteger(L, begun);
  return 1;
}

static bool has_ended(struct bind_pool *pool) {
  bool ended = mc_child_ended(&pool->child.child);
  if (ended)
    bind_child_unlist(&pool->child);
  return ended;
}

/* pool:has_ended(): no worker and no foreman is there any more */
static int pool_has_ended(lua_State *L) {
  lua_pushboolean(L, has_ended(bind_check_pool(L)));
  return 1;
}

/* pool:look() → how many tasks are under way; whether the pool has ended, as long as some
 * are; whether a worker finds no room for its result */
static int pool_look(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  uint32_t under_way = pool->ledger.n;
  lua_pushinteger(L, under_way);
  lua_pushboolean(L, under_way > 0 && has_ended(pool));
  lua_pushboolean(L, mc_board_starved(pool->board));
  return 3;
}

/* pool:queued(): tasks that no worker has taken yet */
static int pool_queued(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mc_queue_size(bind_check_pool(L)->tasks));
  return 1;
}

static const luaL_Reg methods[] = {
    {"take_back", pool_take_back},
    {"wait", pool_wait},
    {"wait_alone", pool_wait_alone},
    {"look", pool_look},
    {"has_ended", pool_has_ended},
    {"queued", pool_queued},
    {"doom", pool_doom},
    {"give_up", pool_give_up},
    {"close", pool_close},
    {"terminate", pool_terminate},
    {NULL, NULL},
};

void bind_open_pool(lua_State *L) {
  bind_class_new(L, &pool_class);
  luaL_newlib(L, methods);
  bind_open_pool_ledger(L);
  bind_open_pool_send(L);
  bind_open_pool_items(L);
  bind_open_pool_collect(L);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, pool_gc);
  lua_setfield(L, -2, "__gc");
  bind_set_waitable(L, &waitable);
  lua_pop(L, 1);
  lua_pushcfunction(L, make_pool);
  lua_setfield(L, -2, "pool");
  bind_open_pool_call(L);
}
