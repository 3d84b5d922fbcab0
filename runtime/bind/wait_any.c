/* Waiting for the first of many: what mooncrew.wait is built on (lua/mooncrew/wait.lua).
 */
#include "bind/waitable.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/wait.h"

#include <lauxlib.h>

static const char waitable_key; /* metatables: the struct bind_waitable */

struct thing {
  const struct bind_waitable *class;
  void *userdata;
};

/* All that is waited for; the userdata are kept alive by the list on the stack. */
struct any {
  size_t n;
  struct thing *things;
};

enum { ANY_LIST = 1, ANY_ANY, ANY_WAIT };

void bind_set_waitable(lua_State *L, const struct bind_waitable *waitable) {
  lua_pushlightuserdata(L, (void *)waitable);
  lua_rawsetp(L, -2, &waitable_key);
}

static struct thing check_thing(lua_State *L, lua_Integer i) {
  struct thing thing = {NULL, lua_touserdata(L, -1)};
  if (lua_type(L, -1) == LUA_TUSERDATA && lua_getmetatable(L, -1)) {
    lua_rawgetp(L, -1, &waitable_key);
    thing.class = lua_touserdata(L, -1);
    lua_pop(L, 2);
  }
  if (!thing.class)
    bind_error(L,
               "wait: objects[%d]: a queue, a process, a result, a task, an event, a "
               "lock, a semaphore or a connection expected, got %s",
               (int)i, luaL_tolstring(L, -1, NULL));
  if (thing.class->check)
    thing.class->check(L, thing.userdata);
  return thing;
}

static bool any_ready(struct bind_wait *wait) {
  const struct any *any = wait->data;
  for (size_t i = 0; i < any->n; i++)
    if (any->things[i].class->ready(any->things[i].userdata))
      return true;
  return false;
}

static int waited(lua_State *L, int status, lua_KContext context) {
  const struct any *any = (const struct any *)context;
  const struct bind_wait *wait = lua_touserdata(L, ANY_WAIT);
  (void)status;
  if (wait->outcome)
    return bind_outcome(L, MC_TIMEOUT);
  lua_newtable(L);
  lua_Integer n = 0;
  for (size_t i = 0; i < any->n; i++) {
    if (!any->things[i].class->ready(any->things[i].userdata))
      continue;
    lua_pushinteger(L, (lua_Integer)i + 1);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* wait_any(list [, timeout]) → the indexes of those that are ready; or nil and Timeout.
 * By the time it looks none may be ready any more: then it is an empty list. */
static int wait_any(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  mc_time deadline = bind_check_timeout(L, 2);
  size_t n = lua_rawlen(L, 1);
  lua_settop(L, ANY_LIST);
  struct any *any = lua_newuserdatauv(
      L, sizeof *any + n * (sizeof(struct thing) + sizeof(struct mc_wait_for)), 0);
  any->n = n;
  any->things = (struct thing *)(any + 1);
  struct mc_wait_for *watches = (struct mc_wait_for *)(any->things + n);
  struct bind_wait *wait = bind_wait_new(L);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, ANY_LIST, (lua_Integer)i + 1);
    any->things[i] = check_thing(L, (lua_Integer)i + 1);
    lua_pop(L, 1);
    if (any->things[i].class->watch)
      wait->n_others +=
          any->things[i].class->watch(any->things[i].userdata, watches + wait->n_others);
  }
  wait->ready = any_ready;
  wait->data = any;
  wait->others = watches;
  return bind_wait(L, wait, deadline, (lua_KContext)any, waited);
}

void bind_open_wait_any(lua_State *L) {
  lua_pushcfunction(L, wait_any);
  lua_setfield(L, -2, "wait_any");
}
