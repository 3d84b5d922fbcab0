/* mooncrew.Semaphore and mooncrew.BoundedSemaphore. */
#include "share/semaphore.h"
#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/sync.h"

#define SEMAPHORE "mooncrew.Semaphore"
#define BOUNDED   "mooncrew.BoundedSemaphore"

static mc_ref check_semaphore(lua_State *L) {
  const struct bind_handle *handle = bind_test_handle(L, 1, BOUNDED);
  return handle ? handle->ref : bind_check_handle(L, 1, SEMAPHORE);
}

static int attempt(mc_ref semaphore, uint32_t depth) {
  (void)depth;
  int error = mc_semaphore_try(semaphore);
  return error ? error : 1;
}

static bool has_permit(struct bind_wait *wait) {
  return mc_semaphore_value(*(mc_ref *)wait->data) > 0;
}

static const struct bind_acquire acquire = {"acquire", attempt, has_permit, MC_PERMIT};

/* semaphore:acquire([block [, timeout]]) */
static int semaphore_acquire(lua_State *L) {
  check_semaphore(L);
  return bind_acquire(L, &acquire, bind_check_blocking(L, 2), 1);
}

/* semaphore:release([n]) */
static int semaphore_release(lua_State *L) {
  mc_ref semaphore = check_semaphore(L);
  lua_Integer n = luaL_optinteger(L, 2, 1);
  luaL_argcheck(L, n >= 1, 2, "a number of permits of at least 1 expected");
  if (mc_semaphore_release(semaphore, (uint64_t)n) == 0)
    return 0;
  bind_push_error(L, "TooMany", "release: called more often than acquire");
  return lua_error(L);
}

/* semaphore:get_value() */
static int semaphore_value(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mc_semaphore_value(check_semaphore(L)));
  return 1;
}

static int semaphore_tostring(lua_State *L) {
  mc_ref semaphore = check_semaphore(L);
  bool bounded = mc_object_kind(semaphore) == MC_KIND_BOUNDED_SEMAPHORE;
  lua_pushfstring(L, "%s: %I free", bounded ? BOUNDED : SEMAPHORE,
                  (lua_Integer)mc_semaphore_value(semaphore));
  return 1;
}

static int make(lua_State *L, bool bounded) {
  lua_Integer n = luaL_optinteger(L, 1, 1);
  luaL_argcheck(L, n >= 0 && n <= UINT32_MAX, 1,
                "a number of permits that is not negative expected");
  mc_ref semaphore;
  int error = mc_semaphore_create((uint64_t)n, bounded, &semaphore);
  if (error)
    return bind_raise(L, bounded ? "BoundedSemaphore" : "Semaphore", error);
  bind_handle_adopt(L, semaphore);
  return 1;
}

static int make_semaphore(lua_State *L) {
  return make(L, false);
}

static int make_bounded(lua_State *L) {
  return make(L, true);
}

static bool semaphore_ready(void *userdata) {
  return mc_semaphore_value(bind_handle_of(userdata)) > 0;
}

static size_t semaphore_watch(void *userdata, struct mc_wait_for *watch) {
  watch[0] = (struct mc_wait_for){bind_handle_of(userdata), MC_PERMIT};
  return 1;
}

static const struct bind_waitable waitable = {.ready = semaphore_ready,
                                              .watch = semaphore_watch};

static const luaL_Reg methods[] = {
    {"acquire", semaphore_acquire},
    {"release", semaphore_release},
    {"get_value", semaphore_value},
    {NULL, NULL},
};

static const luaL_Reg parts[] = {
    {"Semaphore", make_semaphore},
    {"BoundedSemaphore", make_bounded},
    {NULL, NULL},
};

void bind_open_semaphore(lua_State *L) {
  static const struct bind_sync_class classes[] = {
      {MC_KIND_SEMAPHORE, SEMAPHORE, methods, NULL, semaphore_tostring, &waitable},
      {MC_KIND_BOUNDED_SEMAPHORE, BOUNDED, methods, NULL, semaphore_tostring, &waitable},
  };
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    bind_sync_class(L, &classes[i]);
  lua_insert(L, -2);
  luaL_setfuncs(L, parts, 0);
  lua_insert(L, -2);
}
