/* mooncrew.fs: copying and comparing. */
#include "bind/fs_parts.h"
#include "bind/options.h"
#include "bind/wait.h"
#include "crew/interrupt.h"
#include "crew/loop.h"
#include "net/copy_work.h"

#include <lauxlib.h>

#define CLASS "mooncrew.fs.copy"

bool bind_fs_take_interrupt(void *data) {
  enum mc_interruption *interruption = data;
  if (!*interruption)
    *interruption = mc_interrupt_take();
  return *interruption != MC_NO_INTERRUPTION;
}

/* Pushes what a call returns; `copy->data` is the flag of bind_fs_take_interrupt, or
 * NULL. */
static int outcome(lua_State *L, const char *function, int error,
                   const struct mc_fs_copy *copy) {
  static const char *const lost[] = {NULL, "owner", "xattrs", "owner, xattrs"};
  const enum mc_interruption *interruption = copy->data;
  if (interruption && *interruption)
    return luaL_error(L, "%s", mc_interrupt_text(*interruption));
  if (error < 0)
    return bind_fs_fail(L, function, copy->failure.path, error, copy->failure.text);
  lua_pushboolean(L, 1);
  lua_pushstring(L, lost[copy->lost]);
  return 2;
}

bool bind_fs_check_flag(lua_State *L, int arg, const char *name, bool otherwise) {
  int type = lua_getfield(L, arg, name);
  luaL_argcheck(L, type == LUA_TNIL || type == LUA_TBOOLEAN, arg,
                lua_pushfstring(L, "option '%s': boolean expected, got %s", name,
                                luaL_typename(L, -1)));
  bool value = type == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* The two paths, and the options at 3. `files`: those for files alone are known too. */
static struct mc_fs_copy check_arguments(lua_State *L, bool files) {
  static const char *const known[] = {"follow", "owner",      "group",
                                      "xattrs", "clone_only", NULL};
  static const char *const fewer[] = {"follow", "owner", "group", "xattrs", NULL};
  struct mc_fs_copy copy = {.from = bind_fs_check_path(L, 1),
                            .to = bind_fs_check_path(L, 2)};
  lua_settop(L, 3);
  if (lua_isnil(L, 3))
    return copy;
  bind_check_options(L, 3, files ? known : fewer);
  copy.no_follow = !bind_fs_check_flag(L, 3, "follow", true);
  copy.owner = bind_fs_check_flag(L, 3, "owner", false);
  copy.group = bind_fs_check_flag(L, 3, "group", false);
  copy.xattrs = bind_fs_check_flag(L, 3, "xattrs", false);
  copy.clone_only = bind_fs_check_flag(L, 3, "clone_only", false);
  return copy;
}

/* ---- copy_file ---- */

static bool copy_is_done(struct bind_wait *wait) {
  struct mc_copy_work **box = wait->data;
  return !*box || mc_copy_is_done(*box);
}

static int copy_close(lua_State *L) {
  struct mc_copy_work **box = luaL_checkudata(L, 1, CLASS);
  struct mc_copy_work *work = *box;
  *box = NULL;
  mc_copy_free(work);
  return 0;
}

static int copied(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct mc_copy_work **box = (struct mc_copy_work **)context;
  struct mc_fs_copy copy = {0};
  int error = mc_copy_outcome(*box, &copy.failure, &copy.lost);
  return outcome(L, "copy_file", error, &copy);
}

/* A task alone waits while a thread of libuv's pool copies. Being closed stops the copy.
 */
static int copy_in_task(lua_State *L, const struct mc_fs_copy *copy) {
  int error;
  uv_loop_t *loop = mc_loop(&error);
  if (!loop)
    return bind_fs_fail(L, "copy_file", copy->from, error, NULL);
  struct mc_copy_work **box = lua_newuserdatauv(L, sizeof(struct mc_copy_work *), 0);
  *box = NULL;
  luaL_setmetatable(L, CLASS);
  lua_toclose(L, -1);
  struct bind_wait *wait = bind_wait_new(L);
  error = mc_copy_start(loop, copy, box);
  if (error)
    return bind_fs_fail(L, "copy_file", copy->from, error, NULL);
  wait->ready = copy_is_done;
  wait->data = box;
  wait->on_loop = true;
  return bind_wait(L, wait, MC_FOREVER, (lua_KContext)box, copied);
}

static int fs_copy_file(lua_State *L) {
  struct mc_fs_copy copy = check_arguments(L, true);
  if (bind_in_task(L))
    return copy_in_task(L, &copy);
  enum mc_interruption interruption = MC_NO_INTERRUPTION;
  copy.stop = bind_fs_take_interrupt;
  copy.data = &interruption;
  return outcome(L, "copy_file", mc_fs_copy_file(&copy), &copy);
}

/* ---- the rest ---- */

static int fs_copy_attributes(lua_State *L) {
  struct mc_fs_copy copy = check_arguments(L, false);
  return outcome(L, "copy_attributes", mc_fs_copy_attributes(&copy), &copy);
}

static lua_Integer check_offset(lua_State *L, int arg) {
  lua_Integer n = luaL_checkinteger(L, arg);
  luaL_argcheck(L, n >= 0, arg, "a number of at least 0 expected");
  return n;
}

static int fs_copy_range(lua_State *L) {
  struct mc_fs_copy copy = {.from = bind_fs_check_path(L, 1),
                            .to = bind_fs_check_path(L, 2)};
  lua_Integer offset = check_offset(L, 3), length = check_offset(L, 4);
  enum mc_interruption interruption = MC_NO_INTERRUPTION;
  copy.stop = bind_fs_take_interrupt;
  copy.data = &interruption;
  int error = mc_fs_copy_range(&copy, (uint64_t)offset, (uint64_t)length);
  return outcome(L, "copy_range", error, &copy);
}

static int fs_same_data(lua_State *L) {
  struct mc_fs_copy copy = {.from = bind_fs_check_path(L, 1),
                            .to = bind_fs_check_path(L, 2)};
  lua_Integer offset = lua_isnoneornil(L, 3) ? 0 : check_offset(L, 3);
  lua_Integer length = lua_isnoneornil(L, 4) ? LUA_MAXINTEGER : check_offset(L, 4);
  enum mc_interruption interruption = MC_NO_INTERRUPTION;
  copy.stop = bind_fs_take_interrupt;
  copy.data = &interruption;
  int same = mc_fs_same_data(&copy, (uint64_t)offset, (uint64_t)length);
  if (same < 0)
    return outcome(L, "same_data", same, &copy);
  lua_pushboolean(L, same);
  return 1;
}

static int fs_hash_file(lua_State *L) {
  const char *path = bind_fs_check_path(L, 1);
  char digits[MC_FS_HASH_LENGTH + 1];
  enum mc_interruption interruption = MC_NO_INTERRUPTION;
  int error = mc_fs_hash_file(path, bind_fs_take_interrupt, &interruption, digits);
  if (interruption)
    return luaL_error(L, "%s", mc_interrupt_text(interruption));
  if (error)
    return bind_fs_fail(L, "hash_file", path, error, NULL);
  lua_pushstring(L, digits);
  return 1;
}

void bind_fs_add_copy(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"copy_file", fs_copy_file},
      {"copy_attributes", fs_copy_attributes},
      {"copy_range", fs_copy_range},
      {"same_data", fs_same_data},
      {"hash_file", fs_hash_file},
      {"copy_files", bind_fs_copy_files},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
  if (luaL_newmetatable(L, CLASS)) {
    lua_pushcfunction(L, copy_close);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__close");
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
}
