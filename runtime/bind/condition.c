/* The parts of mooncrew.Condition that need C: the rest is in lua/mooncrew/sync.lua.
 *
 * Who waits has a ticket, a userdata that is closed when the wait is over, however it
 * ends; so a notification that its receiver can't take goes to another. */
#include "share/condition.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/sync.h"

#include <unistd.h>

#define CONDITION "mooncrew.Condition"
#define TICKET    "mooncrew.Condition.ticket"

struct ticket {
  mc_ref condition;
  uint32_t number;
  pid_t owner; /* 0: it is closed */
  bool taken;  /* its notification has done its work */
};

static mc_ref check_condition(lua_State *L) {
  return bind_check_handle(L, 1, CONDITION);
}

/* Whose lock can be given: a Lock or an RLock. */
static mc_ref check_lock(lua_State *L, int arg) {
  const struct bind_handle *handle = bind_test_handle(L, arg, "mooncrew.RLock");
  return handle ? handle->ref : bind_check_handle(L, arg, "mooncrew.Lock");
}

static int make_condition(lua_State *L) {
  mc_ref condition;
  int error = mc_condition_create(check_lock(L, 1), &condition);
  if (error)
    return bind_raise(L, "Condition", error);
  bind_handle_adopt(L, condition);
  return 1;
}

/* condition_lock(condition) → its lock */
static int condition_lock(lua_State *L) {
  bind_handle_push(L, mc_condition_lock(check_condition(L)));
  return 1;
}

/* condition_notify(condition [, n]): nil is all → how many were notified */
static int condition_notify(lua_State *L) {
  mc_ref condition = check_condition(L);
  lua_Integer n = luaL_optinteger(L, 2, UINT32_MAX);
  lua_pushinteger(L, mc_condition_notify(condition, (uint32_t)n));
  return 1;
}

/* condition_ticket(condition) → a ticket: the caller waits from now on */
static int condition_ticket(lua_State *L) {
  mc_ref condition = check_condition(L);
  lua_settop(L, 1);
  struct ticket *ticket = lua_newuserdatauv(L, sizeof *ticket, 1);
  *ticket = (struct ticket){.condition = condition};
  luaL_setmetatable(L, TICKET);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1); /* the object lives as long */
  int error = mc_condition_enter(condition, &ticket->number);
  if (error)
    return bind_raise(L, "wait", error);
  ticket->owner = getpid();
  return 1;
}

static bool is_notified(struct bind_wait *wait) {
  const struct ticket *ticket = wait->data;
  return mc_condition_notified(ticket->condition, ticket->number);
}

static int waited(lua_State *L, int status, lua_KContext context) {
  (void)L, (void)status, (void)context;
  return 0;
}

/* ticket:wait([timeout]): until it is notified, or the time-out */
static int ticket_wait(lua_State *L) {
  struct ticket *ticket = luaL_checkudata(L, 1, TICKET);
  mc_time deadline = bind_check_timeout(L, 2);
  lua_settop(L, 1);
  struct bind_wait *wait = bind_wait_new(L);
  wait->ready = is_notified;
  wait->data = ticket;
  return bind_wait(L, wait, deadline, 0, waited);
}

static bool leave(struct ticket *ticket) {
  if (ticket->owner != getpid())
    return false; /* closed, or the parent's of this child */
  ticket->owner = 0;
  return mc_condition_leave(ticket->condition, ticket->number, ticket->taken);
}

/* ticket:take() → whether it was notified: that is no other's business from now on */
static int ticket_take(lua_State *L) {
  struct ticket *ticket = luaL_checkudata(L, 1, TICKET);
  ticket->taken = true;
  lua_pushboolean(L, leave(ticket));
  return 1;
}

static int ticket_close(lua_State *L) {
  leave(luaL_checkudata(L, 1, TICKET));
  return 0;
}

static int condition_tostring(lua_State *L) {
  lua_pushfstring(L, "%s: %d waiting", CONDITION,
                  (int)mc_condition_waiting(check_condition(L)));
  return 1;
}

static const luaL_Reg methods[] = {{NULL, NULL}};

static const luaL_Reg ticket_methods[] = {
    {"wait", ticket_wait}, {"take", ticket_take}, {NULL, NULL}};

static const luaL_Reg parts[] = {
    {"Condition", make_condition},
    {"condition_lock", condition_lock},
    {"condition_notify", condition_notify},
    {"condition_ticket", condition_ticket},
    {NULL, NULL},
};

void bind_open_condition(lua_State *L) {
  static const struct bind_sync_class class = {
      MC_KIND_CONDITION, CONDITION, methods, NULL, condition_tostring, NULL};
  bind_sync_class(L, &class);
  luaL_newmetatable(L, TICKET);
  luaL_newlib(L, ticket_methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, ticket_close);
  lua_setfield(L, -2, "__close");
  lua_pushcfunction(L, ticket_close);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  lua_insert(L, -2);
  luaL_setfuncs(L, parts, 0);
  lua_insert(L, -2);
}
