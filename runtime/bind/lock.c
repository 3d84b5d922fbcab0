/* mooncrew.Lock and mooncrew.RLock. Who holds one is a process and, in it, a coroutine
 * task or the main chunk. */
#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/sync.h"
#include "bind/task.h"
#include "share/mutex.h"

#define LOCK  "mooncrew.Lock"
#define RLOCK "mooncrew.RLock"

/* A lock of either class. */
static mc_ref check_lock(lua_State *L) {
  const struct bind_handle *handle = bind_test_handle(L, 1, LOCK);
  if (!handle)
    handle = bind_test_handle(L, 1, RLOCK);
  return handle ? handle->ref : bind_check_handle(L, 1, LOCK);
}

static int attempt(mc_ref lock, uint32_t depth) {
  return mc_mutex_try(lock, bind_task_id(), depth);
}

static bool is_free(struct bind_wait *wait) {
  return !mc_mutex_locked(*(mc_ref *)wait->data);
}

static const struct bind_acquire acquire = {"acquire", attempt, is_free, MC_UNLOCKED};

/* lock:acquire([block [, timeout]]) */
static int lock_acquire(lua_State *L) {
  check_lock(L);
  return bind_acquire(L, &acquire, bind_check_blocking(L, 2), 1);
}

static int give_back(lua_State *L, mc_ref lock, bool own, uint32_t depth) {
  int error = mc_mutex_release(lock, bind_task_id(), own, depth);
  return error ? bind_raise(L, "release", error) : 0;
}

/* lock:release() */
static int lock_release(lua_State *L) {
  return give_back(L, check_lock(L), false, 1);
}

/* lock:locked() */
static int lock_locked(lua_State *L) {
  lua_pushboolean(L, mc_mutex_locked(check_lock(L)));
  return 1;
}

/* For sync.lua: how often the caller has it; give all of it back; take it so often. */
static int lock_depth(lua_State *L) {
  lua_pushinteger(L, mc_mutex_depth(check_lock(L), bind_task_id()));
  return 1;
}

static int lock_give_back(lua_State *L) {
  return give_back(L, check_lock(L), true, (uint32_t)luaL_checkinteger(L, 2));
}

static int lock_take_again(lua_State *L) {
  check_lock(L);
  return bind_acquire(L, &acquire, MC_FOREVER, (uint32_t)luaL_checkinteger(L, 2));
}

static int lock_tostring(lua_State *L) {
  mc_ref lock = check_lock(L);
  const char *state = mc_mutex_depth(lock, bind_task_id()) ? "held by this process"
                      : mc_mutex_locked(lock)              ? "held"
                                                           : "free";
  lua_pushfstring(L, "%s: %s", mc_object_kind(lock) == MC_KIND_RLOCK ? RLOCK : LOCK,
                  state);
  return 1;
}

static int make(lua_State *L, bool reentrant) {
  mc_ref lock;
  int error = mc_mutex_create(reentrant, &lock);
  if (error)
    return bind_raise(L, reentrant ? "RLock" : "Lock", error);
  bind_handle_adopt(L, lock);
  return 1;
}

static int make_lock(lua_State *L) {
  return make(L, false);
}

static int make_rlock(lua_State *L) {
  return make(L, true);
}

static bool lock_ready(void *userdata) {
  return !mc_mutex_locked(bind_handle_of(userdata));
}

static size_t lock_watch(void *userdata, struct mc_wait_for *watch) {
  watch[0] = (struct mc_wait_for){bind_handle_of(userdata), MC_UNLOCKED};
  return 1;
}

static const struct bind_waitable waitable = {.ready = lock_ready, .watch = lock_watch};

static const luaL_Reg methods[] = {
    {"acquire", lock_acquire},
    {"release", lock_release},
    {"locked", lock_locked},
    {NULL, NULL},
};

static const luaL_Reg parts[] = {
    {"Lock", make_lock},           {"RLock", make_rlock},           {"depth", lock_depth},
    {"give_back", lock_give_back}, {"take_again", lock_take_again}, {NULL, NULL},
};

void bind_open_lock(lua_State *L) {
  static const struct bind_sync_class classes[] = {
      {MC_KIND_LOCK, LOCK, methods, NULL, lock_tostring, &waitable},
      {MC_KIND_RLOCK, RLOCK, methods, NULL, lock_tostring, &waitable},
  };
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    bind_sync_class(L, &classes[i]);
  lua_insert(L, -2);
  luaL_setfuncs(L, parts, 0);
  lua_insert(L, -2);
}
