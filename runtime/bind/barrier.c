/* The parts of mooncrew.Barrier that need C: the rest is in lua/mooncrew/sync.lua.
 *
 * Who comes has an arrival, a userdata that is closed when the wait is over; one that is
 * closed before its phase has passed breaks the barrier. */
#include "share/barrier.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/sync.h"
#include "share/queue.h"
#include "wire/wire.h"

#include <string.h>
#include <unistd.h>

#define BARRIER "mooncrew.Barrier"
#define ARRIVAL "mooncrew.Barrier.arrival"

struct arrival {
  mc_ref barrier;
  struct mc_arrival arrival;
  pid_t owner; /* 0: it is over, or has not begun */
};

static mc_ref check_barrier(lua_State *L) {
  return bind_check_handle(L, 1, BARRIER);
}

/* Barrier(parties, queue or nil): the queue has the action in it */
static int make_barrier(lua_State *L) {
  uint32_t parties = (uint32_t)luaL_checkinteger(L, 1);
  mc_ref action = lua_isnoneornil(L, 2) ? 0 : bind_check_handle(L, 2, "mooncrew.Queue");
  mc_ref barrier;
  int error = mc_barrier_create(parties, action, &barrier);
  if (error)
    return bind_raise(L, "Barrier", error);
  bind_handle_adopt(L, barrier);
  return 1;
}

static int decode(lua_State *L) {
  const struct mc_lease *lease = lua_touserdata(L, 1);
  struct wire_bytes bytes = {lease->bytes, lease->length, lease->handles,
                             lease->n_handles};
  lua_settop(L, 0);
  return wire_decode(L, &bytes);
}

/* barrier_action(barrier) → a copy of the function */
static int barrier_action(lua_State *L) {
  mc_ref queue = mc_barrier_action(check_barrier(L));
  struct mc_lease lease;
  int got = mc_queue_try_take(queue, &lease, 1);
  if (got < 0)
    return bind_raise(L, "wait", got);
  lua_settop(L, 1);
  lua_pushcfunction(L, decode);
  lua_pushlightuserdata(L, &lease);
  int status = lua_pcall(L, 1, 1, 0);
  mc_lease_return(&lease);
  return status == LUA_OK ? 1 : lua_error(L);
}

static int push_state(lua_State *L, int state) {
  lua_pushstring(L, state == MC_BARRIER_OPEN  ? "open"
                    : state == MC_BARRIER_ACT ? "act"
                    : state == MC_BUSY        ? "busy"
                    : state == MC_BROKEN      ? "broken"
                                              : "shut");
  return 1;
}

/* barrier_arrival(barrier) → an arrival that has not come yet */
static int barrier_arrival(lua_State *L) {
  mc_ref barrier = check_barrier(L);
  lua_settop(L, 1);
  struct arrival *arrival = lua_newuserdatauv(L, sizeof *arrival, 1);
  *arrival = (struct arrival){.barrier = barrier};
  luaL_setmetatable(L, ARRIVAL);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static struct arrival *check_arrival(lua_State *L) {
  return luaL_checkudata(L, 1, ARRIVAL);
}

/* arrival:enter() → "shut": wait; "act": act and open; "busy"; "open"; "broken"; and its
 * index */
static int arrival_enter(lua_State *L) {
  struct arrival *arrival = check_arrival(L);
  int state = mc_barrier_enter(arrival->barrier, &arrival->arrival);
  if (state == MC_NOMEM)
    return bind_raise(L, "wait", state);
  if (state == MC_BARRIER_SHUT || state == MC_BARRIER_ACT)
    arrival->owner = getpid();
  push_state(L, state);
  lua_pushinteger(L, arrival->arrival.index);
  return 2;
}

static bool has_passed(struct bind_wait *wait) {
  const struct arrival *arrival = wait->data;
  return mc_barrier_state(arrival->barrier, &arrival->arrival) != MC_BARRIER_SHUT;
}

static bool is_quiet(struct bind_wait *wait) {
  return mc_barrier_quiet(((const struct arrival *)wait->data)->barrier);
}

static int waited(lua_State *L, int status, lua_KContext context) {
  const struct bind_wait *wait = (const struct bind_wait *)context;
  (void)status;
  lua_pushboolean(L, wait->outcome == 0);
  return 1;
}

/* arrival:wait([timeout]): one that has come: until its phase has passed; else until
 * nobody acts → false: the time-out */
static int arrival_wait(lua_State *L) {
  struct arrival *arrival = check_arrival(L);
  mc_time deadline = bind_check_timeout(L, 2);
  lua_settop(L, 1);
  struct bind_wait *wait = bind_wait_new(L);
  wait->data = arrival;
  wait->ready = arrival->owner ? has_passed : is_quiet;
  if (!arrival->owner) {
    wait->watch[0] = (struct mc_wait_for){arrival->barrier, MC_UNLOCKED};
    wait->n_watch = 1;
  }
  return bind_wait(L, wait, deadline, (lua_KContext)wait, waited);
}

/* arrival:open(): it has acted → "open", "broken" */
static int arrival_open(lua_State *L) {
  struct arrival *arrival = check_arrival(L);
  arrival->owner = 0;
  return push_state(L, mc_barrier_open(arrival->barrier, &arrival->arrival));
}

static int leave(struct arrival *arrival) {
  if (arrival->owner != getpid())
    return MC_BROKEN;
  arrival->owner = 0;
  return mc_barrier_leave(arrival->barrier, &arrival->arrival);
}

/* arrival:leave() → "open", "broken"; "shut": it has given up, which breaks the barrier
 */
static int arrival_leave(lua_State *L) {
  return push_state(L, leave(check_arrival(L)));
}

static int arrival_close(lua_State *L) {
  leave(check_arrival(L));
  return 0;
}

static int barrier_abort(lua_State *L) {
  mc_barrier_break(check_barrier(L));
  return 0;
}

static int barrier_reset(lua_State *L) {
  mc_barrier_reset(check_barrier(L));
  return 0;
}

static int barrier_index(lua_State *L) {
  mc_ref barrier = check_barrier(L);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (!strcmp(name, "parties"))
    lua_pushinteger(L, mc_barrier_parties(barrier));
  else if (!strcmp(name, "n_waiting"))
    lua_pushinteger(L, mc_barrier_waiting(barrier));
  else if (!strcmp(name, "broken"))
    lua_pushboolean(L, mc_barrier_broken(barrier));
  else
    return 0;
  return 1;
}

static int barrier_tostring(lua_State *L) {
  mc_ref barrier = check_barrier(L);
  lua_pushfstring(L, "%s: %d of %d%s", BARRIER, (int)mc_barrier_waiting(barrier),
                  (int)mc_barrier_parties(barrier),
                  mc_barrier_broken(barrier) ? ", broken" : "");
  return 1;
}

static const luaL_Reg methods[] = {
    {"abort", barrier_abort}, {"reset", barrier_reset}, {NULL, NULL}};

static const luaL_Reg arrival_methods[] = {
    {"enter", arrival_enter}, {"wait", arrival_wait}, {"open", arrival_open},
    {"leave", arrival_leave}, {NULL, NULL},
};

static const luaL_Reg parts[] = {
    {"Barrier", make_barrier},
    {"barrier_action", barrier_action},
    {"barrier_arrival", barrier_arrival},
    {NULL, NULL},
};

void bind_open_barrier(lua_State *L) {
  static const struct bind_sync_class class = {MC_KIND_BARRIER, BARRIER,          methods,
                                               barrier_index,   barrier_tostring, NULL};
  bind_sync_class(L, &class);
  luaL_newmetatable(L, ARRIVAL);
  luaL_newlib(L, arrival_methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, arrival_close);
  lua_setfield(L, -2, "__close");
  lua_pushcfunction(L, arrival_close);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  lua_insert(L, -2);
  luaL_setfuncs(L, parts, 0);
  lua_insert(L, -2);
}
