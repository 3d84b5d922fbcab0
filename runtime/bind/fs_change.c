/* mooncrew.fs: nodes, times, extended attributes, removal. */
#include "bind/fs_parts.h"
#include "net/xattrs.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned check_mode(lua_State *L, int arg) {
  lua_Integer mode = luaL_optinteger(L, arg, 0666);
  luaL_argcheck(L, mode >= 0 && mode <= 07777, arg,
                "permission bits expected, 0 to 07777");
  return (unsigned)mode;
}

static int done(lua_State *L, const char *function, const char *path, int error) {
  if (error)
    return bind_fs_fail(L, function, path, error, NULL);
  lua_pushboolean(L, 1);
  return 1;
}

static int fs_mkfifo(lua_State *L) {
  const char *path = bind_fs_check_path(L, 1);
  unsigned mode = check_mode(L, 2);
  return done(L, "mkfifo", path, mc_fs_make_node(path, MC_FS_FIFO, mode, 0));
}

static int fs_mknod(lua_State *L) {
  static const char *const names[] = {"fifo", "socket", "char", "block", NULL};
  static const enum mc_fs_type types[] = {MC_FS_FIFO, MC_FS_SOCKET, MC_FS_CHAR,
                                          MC_FS_BLOCK};
  const char *path = bind_fs_check_path(L, 1);
  enum mc_fs_type type = types[luaL_checkoption(L, 2, NULL, names)];
  unsigned mode = check_mode(L, 3);
  uint64_t rdev = (uint64_t)luaL_optinteger(L, 4, 0);
  return done(L, "mknod", path, mc_fs_make_node(path, type, mode, rdev));
}

static bool check_follow(lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg))
    return true;
  luaL_checktype(L, arg, LUA_TBOOLEAN);
  return lua_toboolean(L, arg);
}

static struct timespec check_time(lua_State *L, int arg) {
  lua_Integer ns = luaL_checkinteger(L, arg);
  lua_Integer rest = ns % 1000000000;
  if (rest < 0)
    rest += 1000000000;
  return (struct timespec){.tv_sec = (ns - rest) / 1000000000, .tv_nsec = rest};
}

static int fs_utimens(lua_State *L) {
  const char *path = bind_fs_check_path(L, 1);
  struct timespec times[2] = {check_time(L, 2), check_time(L, 3)};
  int flags = check_follow(L, 4) ? 0 : AT_SYMLINK_NOFOLLOW;
  int failed = utimensat(AT_FDCWD, path, times, flags);
  return done(L, "utimens", path, failed ? -errno : 0);
}

static int fs_remove_tree(lua_State *L) {
  const char *path = bind_fs_check_path(L, 1);
  char *failed;
  int error = mc_fs_remove_tree(path, &failed);
  if (!error)
    return done(L, "remove_tree", path, 0);
  lua_pushstring(L, failed ? failed : path);
  free(failed);
  return bind_fs_fail(L, "remove_tree", lua_tostring(L, -1), error, NULL);
}

/* ---- extended attributes ---- */

/* Behind a link: the path of what it leads to, by way of the resolved name. The caller
 * frees it; NULL with errno when there is none. */
static char *resolve(const char *path, bool follow) {
  return follow ? realpath(path, NULL) : strdup(path);
}

struct target {
  const char *function, *path;
  char *resolved;
  struct mc_place place;
};

/* The path at 1 and whether to follow at `arg`: false when that fails. */
static bool check_target(lua_State *L, const char *function, int arg,
                         struct target *target) {
  *target = (struct target){.function = function, .path = bind_fs_check_path(L, 1)};
  target->resolved = resolve(target->path, check_follow(L, arg));
  target->place = (struct mc_place){-1, target->resolved, false};
  return target->resolved != NULL;
}

/* Frees what check_target made, and returns `error` in Lua's way. */
static int end(lua_State *L, struct target *target, int error) {
  free(target->resolved);
  return done(L, target->function, target->path, error);
}

static int push_pieces(lua_State *L) {
  const char *names = lua_touserdata(L, 1);
  size_t size = (size_t)lua_tointeger(L, 2);
  lua_newtable(L);
  lua_Integer n = 0;
  for (const char *at = names; at < names + size; at += strlen(at) + 1) {
    lua_pushstring(L, at);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

static int push_bytes(lua_State *L) {
  lua_pushlstring(L, lua_touserdata(L, 1), (size_t)lua_tointeger(L, 2));
  return 1;
}

/* What `push` makes of a block, which is freed whatever happens. */
static int give(lua_State *L, lua_CFunction push, char *block, size_t size) {
  lua_pushcfunction(L, push);
  lua_pushlightuserdata(L, block);
  lua_pushinteger(L, (lua_Integer)size);
  int status = lua_pcall(L, 2, 1, 0);
  free(block);
  return status == LUA_OK ? 1 : lua_error(L);
}

static int fs_listxattr(lua_State *L) {
  struct target target;
  if (!check_target(L, "listxattr", 2, &target))
    return end(L, &target, -errno);
  char *names;
  size_t size;
  int error = mc_xattrs_list(&target.place, &names, &size);
  if (error)
    return end(L, &target, error);
  free(target.resolved);
  return give(L, push_pieces, names, size);
}

static int fs_getxattr(lua_State *L) {
  struct target target;
  const char *name = bind_fs_check_path(L, 2);
  if (!check_target(L, "getxattr", 3, &target))
    return end(L, &target, -errno);
  char *value;
  size_t size;
  int error = mc_xattrs_get(&target.place, name, &value, &size);
  if (error)
    return end(L, &target, error);
  free(target.resolved);
  return give(L, push_bytes, value, size);
}

static int fs_setxattr(lua_State *L) {
  struct target target;
  size_t size;
  const char *name = bind_fs_check_path(L, 2), *value = luaL_checklstring(L, 3, &size);
  if (!check_target(L, "setxattr", 4, &target))
    return end(L, &target, -errno);
  return end(L, &target, mc_xattrs_set(&target.place, name, value, size));
}

static int fs_removexattr(lua_State *L) {
  struct target target;
  const char *name = bind_fs_check_path(L, 2);
  if (!check_target(L, "removexattr", 3, &target))
    return end(L, &target, -errno);
  return end(L, &target, mc_xattrs_remove(&target.place, name));
}

void bind_fs_add_change(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"mkfifo", fs_mkfifo},
      {"mknod", fs_mknod},
      {"utimens", fs_utimens},
      {"remove_tree", fs_remove_tree},
      {"listxattr", fs_listxattr},
      {"getxattr", fs_getxattr},
      {"setxattr", fs_setxattr},
      {"removexattr", fs_removexattr},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
