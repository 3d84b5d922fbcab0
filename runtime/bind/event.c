/* mooncrew.Event. */
#include "share/event.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/sync.h"

#define EVENT "mooncrew.Event"

static mc_ref check_event(lua_State *L) {
  return bind_check_handle(L, 1, EVENT);
}

static int event_set(lua_State *L) {
  mc_event_set(check_event(L));
  return 0;
}

static int event_clear(lua_State *L) {
  mc_event_clear(check_event(L));
  return 0;
}

static int event_is_set(lua_State *L) {
  lua_pushboolean(L, mc_event_is_set(check_event(L)));
  return 1;
}

/* It is set, or was set since the wait began: a set() that is followed by a clear() at
 * once reaches all who waited then. `looks` is how often it had been set. */
static bool was_set(struct bind_wait *wait) {
  mc_ref event = *(mc_ref *)wait->data;
  return mc_event_is_set(event) || mc_event_sets(event) != wait->looks;
}

static int waited(lua_State *L, int status, lua_KContext context) {
  const struct bind_wait *wait = (const struct bind_wait *)context;
  (void)status;
  if (wait->outcome)
    return bind_outcome(L, MC_TIMEOUT);
  lua_pushboolean(L, true);
  return 1;
}

/* event:wait([timeout]) */
static int event_wait(lua_State *L) {
  mc_ref event = check_event(L);
  mc_time deadline = bind_check_timeout(L, 2);
  if (mc_event_is_set(event)) {
    lua_pushboolean(L, true);
    return 1;
  }
  lua_settop(L, 1);
  struct bind_wait *wait = bind_wait_new(L);
  wait->ready = was_set;
  wait->alike = true;
  wait->data = &((struct bind_handle *)lua_touserdata(L, 1))->ref;
  wait->looks = mc_event_sets(event);
  wait->watch[0] = (struct mc_wait_for){event, mc_want_since(MC_SET, wait->looks)};
  wait->n_watch = 1;
  return bind_wait(L, wait, deadline, (lua_KContext)wait, waited);
}

static int event_tostring(lua_State *L) {
  lua_pushfstring(L, "%s: %s", EVENT, mc_event_is_set(check_event(L)) ? "set" : "clear");
  return 1;
}

static int make_event(lua_State *L) {
  mc_ref event;
  int error = mc_event_create(&event);
  if (error)
    return bind_raise(L, "Event", error);
  bind_handle_adopt(L, event);
  return 1;
}

static bool event_ready(void *userdata) {
  return mc_event_is_set(bind_handle_of(userdata));
}

static size_t event_watch(void *userdata, struct mc_wait_for *watch) {
  watch[0] = (struct mc_wait_for){bind_handle_of(userdata), MC_SET};
  return 1;
}

static const struct bind_waitable waitable = {.ready = event_ready, .watch = event_watch};

static const luaL_Reg methods[] = {
    {"set", event_set},   {"clear", event_clear}, {"is_set", event_is_set},
    {"wait", event_wait}, {NULL, NULL},
};

void bind_open_event(lua_State *L) {
  static const struct bind_sync_class class = {MC_KIND_EVENT, EVENT,          methods,
                                               NULL,          event_tostring, &waitable};
  bind_sync_class(L, &class);
  lua_pushcfunction(L, make_event);
  lua_setfield(L, -3, "Event");
}
