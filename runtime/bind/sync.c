#include "bind/sync.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"

mc_ref bind_handle_of(const void *userdata) {
  return ((const struct bind_handle *)userdata)->ref;
}

void bind_sync_class(lua_State *L, const struct bind_sync_class *class) {
  lua_newtable(L);
  lua_newtable(L);
  luaL_setfuncs(L, class->methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, class->name);
  if (class->index)
    lua_pushcclosure(L, class->index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, class->text);
  lua_setfield(L, -2, "__tostring");
  if (class->waitable)
    bind_set_waitable(L, class->waitable);
  bind_handle_class(L, class->kind, class->name);
}

/* What is on the stack while an acquire waits. */
enum { ACQUIRE_HANDLE = 1, ACQUIRE_HOW, ACQUIRE_DEPTH, ACQUIRE_WAIT };

static int acquire_again(lua_State *L, int status, lua_KContext context);

static int push_taken(lua_State *L, int rc) {
  lua_pushboolean(L, true);
  if (rc == 1)
    return 1;
  lua_pushliteral(L, "abandoned");
  return 2;
}

/* Tries, and waits where that is allowed. The wait is made only then. */
static int acquire_now(lua_State *L, mc_time deadline) {
  struct bind_handle *handle = lua_touserdata(L, ACQUIRE_HANDLE);
  const struct bind_acquire *how = lua_touserdata(L, ACQUIRE_HOW);
  uint32_t depth = (uint32_t)lua_tointeger(L, ACQUIRE_DEPTH);
  for (;;) {
    int rc = how->attempt(handle->ref, depth);
    if (rc > 0)
      return push_taken(L, rc);
    if (rc != MC_BUSY && (rc != MC_DEADLOCK || deadline == MC_FOREVER))
      return bind_raise(L, how->function, rc);
    if (deadline == MC_NOW) {
      lua_pushnil(L);
      return 1;
    }
    if (mc_now() >= deadline)
      return bind_outcome(L, MC_TIMEOUT);
    if (lua_isnone(L, ACQUIRE_WAIT))
      bind_wait_new(L);
    struct bind_wait *wait = lua_touserdata(L, ACQUIRE_WAIT);
    wait->ready = how->ready;
    wait->alike = true;
    wait->data = &handle->ref;
    wait->watch[0] = (struct mc_wait_for){handle->ref, how->want};
    wait->n_watch = 1;
    wait->deadline = deadline;
    if (bind_in_task(L))
      return bind_wait(L, wait, deadline, 0, acquire_again);
    bind_block(L, wait, deadline);
  }
}

static int acquire_again(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return acquire_now(L, ((struct bind_wait *)lua_touserdata(L, ACQUIRE_WAIT))->deadline);
}

int bind_acquire(lua_State *L, const struct bind_acquire *how, mc_time deadline,
                 uint32_t depth) {
  int rc = how->attempt(bind_handle_of(lua_touserdata(L, ACQUIRE_HANDLE)), depth);
  if (rc > 0) /* most often, and then nothing else is needed */
    return push_taken(L, rc);
  lua_settop(L, ACQUIRE_HANDLE);
  lua_pushlightuserdata(L, (void *)how);
  lua_pushinteger(L, depth);
  return acquire_now(L, deadline);
}

void bind_open_sync(lua_State *L) {
  lua_newtable(L);
  int parts = lua_gettop(L) - 1;
  bind_open_lock(L);
  bind_open_semaphore(L);
  bind_open_event(L);
  bind_open_condition(L);
  bind_open_barrier(L);
  bind_open_connection(L);
  lua_setfield(L, parts, "classes");
}
