/* mooncrew.fs.copy_files: the files of a folder. */
#include "bind/fs_parts.h"
#include "bind/options.h"
#include "crew/interrupt.h"
#include "net/copy_folder.h"

#include <lauxlib.h>

/* An option, a number of at least `least`. */
static uint64_t number(lua_State *L, const char *name, lua_Integer least,
                       lua_Integer otherwise) {
  int isnum = 1;
  lua_Integer n = otherwise;
  if (lua_getfield(L, 3, name) != LUA_TNIL)
    n = lua_tointegerx(L, -1, &isnum);
  luaL_argcheck(L, isnum && n >= least, 3,
                lua_pushfstring(L, "option '%s': a whole number of at least %d expected",
                                name, (int)least));
  lua_pop(L, 1);
  return (uint64_t)n;
}

static struct mc_fs_folder check_arguments(lua_State *L) {
  static const char *const known[] = {"owner", "group", "xattrs", "update",
                                      "room",  "part",  "parts",  NULL};
  struct mc_fs_folder job = {.room = LUA_MAXINTEGER, .parts = 1};
  job.copy.from = bind_fs_check_path(L, 1);
  job.copy.to = bind_fs_check_path(L, 2);
  job.copy.no_follow = true;
  lua_settop(L, 3);
  if (lua_isnil(L, 3))
    return job;
  bind_check_options(L, 3, known);
  job.copy.owner = bind_fs_check_flag(L, 3, "owner", false);
  job.copy.group = bind_fs_check_flag(L, 3, "group", false);
  job.copy.xattrs = bind_fs_check_flag(L, 3, "xattrs", false);
  job.update = bind_fs_check_flag(L, 3, "update", false);
  job.room = number(L, "room", 0, LUA_MAXINTEGER);
  uint64_t parts = number(L, "parts", 1, 1), part = number(L, "part", 1, 1);
  luaL_argcheck(L, parts <= 1000000 && part <= parts, 3,
                "option 'part': one of 1 to 'parts' (at most a million) expected");
  job.parts = (unsigned)parts;
  job.part = (unsigned)part - 1;
  return job;
}

static void set(lua_State *L, const char *name, uint64_t n) {
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, name);
}

static int push_outcome(lua_State *L) {
  const struct mc_fs_folder *job = lua_touserdata(L, 1);
  lua_createtable(L, 0, 6);
  set(L, "files", job->files);
  set(L, "bytes", job->bytes);
  set(L, "skipped", job->skipped);
  set(L, "skipped_bytes", job->skipped_bytes);
  set(L, "lost", job->lost);
  lua_newtable(L);
  const char *at = (const char *)job->left.data, *end = at + job->left.length;
  for (lua_Integer n = 1; at < end; n++) {
    lua_pushstring(L, at);
    at += lua_rawlen(L, -1) + 1;
    lua_rawseti(L, -2, n);
  }
  lua_setfield(L, -2, "left");
  return 1;
}

int bind_fs_copy_files(lua_State *L) {
  struct mc_fs_folder job = check_arguments(L);
  enum mc_interruption interruption = MC_NO_INTERRUPTION;
  job.copy.stop = bind_fs_take_interrupt;
  job.copy.data = &interruption;
  int error = mc_fs_copy_folder(&job);
  if (interruption || error) {
    mc_buffer_free(&job.left);
    if (interruption)
      return luaL_error(L, "%s", mc_interrupt_text(interruption));
    return bind_fs_fail(L, "copy_files", job.copy.failure.path, error,
                        job.copy.failure.text);
  }
  lua_pushcfunction(L, push_outcome);
  lua_pushlightuserdata(L, &job);
  int status = lua_pcall(L, 1, 1, 0);
  mc_buffer_free(&job.left);
  return status == LUA_OK ? 1 : lua_error(L);
}
