#include "bind/latch.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/wait.h"
#include "bind/waitable.h"

#include <lauxlib.h>

#define CLASS "mooncrew.latch"

struct bind_latch *bind_opt_latch(lua_State *L, int arg) {
  return lua_isnoneornil(L, arg) ? NULL : luaL_checkudata(L, arg, CLASS);
}

static int make_latch(lua_State *L) {
  struct bind_latch *latch = lua_newuserdatauv(L, sizeof *latch, 0);
  latch->set = false;
  luaL_setmetatable(L, CLASS);
  return 1;
}

static int latch_set(lua_State *L) {
  struct bind_latch *latch = luaL_checkudata(L, 1, CLASS);
  latch->set = true;
  return 0;
}

static int latch_is_set(lua_State *L) {
  struct bind_latch *latch = luaL_checkudata(L, 1, CLASS);
  lua_pushboolean(L, latch->set);
  return 1;
}

static bool latch_ready(void *latch) {
  return ((struct bind_latch *)latch)->set;
}

static const struct bind_waitable waitable = {.ready = latch_ready};

static bool is_set(struct bind_wait *wait) {
  return ((struct bind_latch *)wait->data)->set;
}

static int waited(lua_State *L, int status, lua_KContext context) {
  struct bind_wait *wait = (struct bind_wait *)context;
  (void)status;
  if (wait->outcome)
    return bind_outcome(L, MC_TIMEOUT);
  lua_pushboolean(L, true);
  return 1;
}

/* latch:wait([timeout]) → true, or nil and Timeout */
static int latch_wait(lua_State *L) {
  struct bind_latch *latch = luaL_checkudata(L, 1, CLASS);
  mc_time deadline = bind_check_timeout(L, 2);
  lua_settop(L, 1);
  struct bind_wait *wait = bind_wait_new(L);
  wait->ready = is_set;
  wait->alike = true;
  wait->data = latch;
  return bind_wait(L, wait, deadline, (lua_KContext)wait, waited);
}

static const luaL_Reg methods[] = {
    {"set", latch_set},
    {"is_set", latch_is_set},
    {"wait", latch_wait},
    {NULL, NULL},
};

void bind_open_latch(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  bind_set_waitable(L, &waitable);
  lua_pop(L, 1);
  lua_pushcfunction(L, make_latch);
  lua_setfield(L, -2, "latch");
}
