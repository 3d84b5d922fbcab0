/* mooncrew.fs: files and folders. See lua/mooncrew/meta/fs.lua for what scripts see. */
#include "bind/fs.h"

#include "bind/error.h"
#include "bind/fs_parts.h"
#include "bind/fs_walk.h"
#include "include/mooncrew.h"
#include "net/fs.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

int bind_fs_push_error(lua_State *L, const char *function, const char *path, int error,
                       const char *text) {
  bind_push_error(L, error == -ENOMEM ? "NoMemory" : "OSError", "%s: %s: %s", function,
                  path, text ? text : strerror(-error));
  lua_pushstring(L, mc_errno_name(error));
  lua_setfield(L, -2, "code");
  lua_pushstring(L, path);
  lua_setfield(L, -2, "path");
  return 1;
}

int bind_fs_fail(lua_State *L, const char *function, const char *path, int error,
                 const char *text) {
  lua_pushnil(L);
  bind_fs_push_error(L, function, path, error, text);
  return 2;
}

const char *bind_fs_check_path(lua_State *L, int arg) {
  size_t length;
  luaL_checktype(L, arg, LUA_TSTRING);
  const char *path = lua_tolstring(L, arg, &length);
  luaL_argcheck(L, strlen(path) == length, arg, "a path cannot contain a NUL byte");
  return path;
}

static void set_integer(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

void bind_fs_push_entry(lua_State *L, const struct mc_fs_entry *entry) {
  lua_createtable(L, 0, 16);
  lua_pushstring(L, mc_fs_type_name(entry->type));
  lua_setfield(L, -2, "type");
  lua_pushnumber(L, entry->mtime);
  lua_setfield(L, -2, "mtime");
  set_integer(L, "size", entry->size);
  set_integer(L, "allocated", entry->allocated);
  set_integer(L, "atime_ns", (uint64_t)entry->atime_ns);
  set_integer(L, "mtime_ns", (uint64_t)entry->mtime_ns);
  set_integer(L, "mode", entry->mode);
  set_integer(L, "uid", entry->uid);
  set_integer(L, "gid", entry->gid);
  set_integer(L, "nlink", entry->nlink);
  set_integer(L, "device", entry->device);
  set_integer(L, "inode", entry->inode);
  set_integer(L, "rdev", entry->rdev);
}

static int fs_mkdirs(lua_State *L) {
  const char *path = bind_fs_check_path(L, 1);
  lua_Integer mode = luaL_optinteger(L, 2, 0777);
  luaL_argcheck(L, mode >= 0 && mode <= 07777, 2, "permission bits expected, 0 to 07777");
  int error = mc_fs_mkdirs(path, (unsigned)mode);
  if (error)
    return bind_fs_fail(L, "mkdirs", path, error, NULL);
  lua_pushboolean(L, 1);
  return 1;
}

static int fs_stat(lua_State *L) {
  const char *path = bind_fs_check_path(L, 1);
  bool follow = true;
  if (!lua_isnoneornil(L, 2)) {
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    follow = lua_toboolean(L, 2);
  }
  struct mc_fs_entry entry;
  int error = mc_fs_stat(path, follow, &entry);
  if (error)
    return bind_fs_fail(L, "stat", path, error, NULL);
  bind_fs_push_entry(L, &entry);
  return 1;
}

/* Frees the names when no memory was left for the list. */
static int push_names(lua_State *L) {
  const struct mc_fs_names *names = lua_touserdata(L, 1);
  lua_createtable(L, (int)names->count, 0);
  for (size_t i = 0; i < names->count; i++) {
    lua_pushstring(L, names->names[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int fs_listdir(lua_State *L) {
  const char *path = bind_fs_check_path(L, 1);
  struct mc_fs_names names;
  int error = mc_fs_list(path, &names);
  if (error)
    return bind_fs_fail(L, "listdir", path, error, NULL);
  lua_pushcfunction(L, push_names);
  lua_pushlightuserdata(L, &names);
  int status = lua_pcall(L, 1, 1, 0);
  mc_fs_names_free(&names);
  return status == LUA_OK ? 1 : lua_error(L);
}

/* As Python's os.path.join: a part that begins with "/" starts anew. */
static int fs_join(lua_State *L) {
  int n = lua_gettop(L), first = 1;
  for (int i = 1; i <= n; i++)
    if (*luaL_checkstring(L, i) == '/')
      first = i;
  luaL_checkstring(L, 1);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (int i = first; i <= n; i++) {
    size_t length;
    const char *part = lua_tolstring(L, i, &length);
    luaL_addlstring(&buffer, part, length);
    size_t so_far = luaL_bufflen(&buffer);
    if (i < n && so_far > 0 && luaL_buffaddr(&buffer)[so_far - 1] != '/')
      luaL_addchar(&buffer, '/');
  }
  luaL_pushresult(&buffer);
  return 1;
}

/* As Python's os.path.basename: what comes after the last "/". */
static int fs_basename(lua_State *L) {
  size_t length;
  const char *path = luaL_checklstring(L, 1, &length);
  size_t start = length;
  while (start > 0 && path[start - 1] != '/')
    start--;
  lua_pushlstring(L, path + start, length - start);
  return 1;
}

static int fs_safe_name(lua_State *L) {
  size_t length;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *text = lua_tolstring(L, 1, &length);
  char name[MC_FS_NAME_MAX + 1];
  length = mc_fs_safe_name(text, length, name);
  lua_pushlstring(L, name, length);
  return 1;
}

static const luaL_Reg functions[] = {
    {"mkdirs", fs_mkdirs},       {"stat", fs_stat}, {"listdir", fs_listdir},
    {"walk", bind_fs_walk},      {"join", fs_join}, {"basename", fs_basename},
    {"safe_name", fs_safe_name}, {NULL, NULL},
};

int bind_open_fs(lua_State *L) {
  luaL_requiref(L, "mooncrew", luaopen_mooncrew, 0); /* for its errors */
  bind_fs_open_walk(L);
  luaL_newlib(L, functions);
  bind_fs_add_copy(L);
  bind_fs_add_change(L);
  return 1;
}
