#include "bind/fs_walk.h"

#include "bind/fs_parts.h"
#include "bind/options.h"
#include "bind/wait.h"
#include "net/walk.h"

#include <errno.h>
#include <lauxlib.h>

#define CLASS "mooncrew.fs.walk"

static int walk_gc(lua_State *L) {
  struct mc_walk **walk = luaL_checkudata(L, 1, CLASS);
  mc_walk_close(*walk);
  *walk = NULL;
  return 0;
}

/* Whether the loop's body said `entry.enter = false` of the folder that it got last,
 * which is upvalue 2. */
static bool is_left_out(lua_State *L) {
  if (lua_type(L, lua_upvalueindex(2)) != LUA_TTABLE)
    return false;
  lua_pushliteral(L, "enter");
  lua_rawget(L, lua_upvalueindex(2));
  bool left_out = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  lua_pop(L, 1);
  return left_out;
}

/* The iterator: upvalue 1 is the walk. At the end it closes the walk at once, since a
 * loop's own closing value is not reliable in Lua 5.4.4. */
static int walk_step(lua_State *L) {
  struct mc_walk **walk = lua_touserdata(L, lua_upvalueindex(1));
  bind_check_interrupt(L); /* a large tree takes a while, all of it in here */
  if (!*walk)
    return 0;
  if (is_left_out(L))
    mc_walk_skip(*walk);
  struct mc_walk_step step;
  int more = mc_walk_next(*walk, &step);
  if (more <= 0) {
    mc_walk_close(*walk);
    *walk = NULL;
    return more == 0 ? 0 : luaL_error(L, "not enough memory");
  }
  lua_pushstring(L, step.path);
  bind_fs_push_entry(L, &step.entry);
  lua_pushstring(L, step.name);
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, (lua_Integer)step.depth);
  lua_setfield(L, -2, "depth");
  if (step.files) {
    lua_pushinteger(L, (lua_Integer)step.files);
    lua_setfield(L, -2, "files");
  }
  if (step.error) {
    bind_fs_push_error(L, "walk", step.path, step.error, NULL);
    lua_setfield(L, -2, "error");
  }
  if (step.entry.type == MC_FS_DIRECTORY)
    lua_pushvalue(L, -1);
  else
    lua_pushnil(L);
  lua_replace(L, lua_upvalueindex(2));
  return 2;
}

int bind_fs_walk(lua_State *L) {
  static const char *const known[] = {"follow", "files", NULL};
  const char *root = bind_fs_check_path(L, 1);
  struct mc_walk_options options = {0};
  if (!lua_isnoneornil(L, 2)) {
    bind_check_options(L, 2, known);
    options.follow = lua_getfield(L, 2, "follow") != LUA_TNIL && lua_toboolean(L, -1);
    options.no_files = lua_getfield(L, 2, "files") != LUA_TNIL && !lua_toboolean(L, -1);
  }
  struct mc_walk **walk = lua_newuserdatauv(L, sizeof(struct mc_walk *), 0);
  *walk = NULL;
  luaL_setmetatable(L, CLASS);
  int error = mc_walk_open(root, options, walk);
  if (error) {
    lua_pushnil(L);
    bind_fs_push_error(L, "walk", root, error, NULL);
    return 2;
  }
  lua_pushnil(L);
  lua_pushcclosure(L, walk_step, 2);
  return 1;
}

void bind_fs_open_walk(lua_State *L) {
  if (luaL_newmetatable(L, CLASS)) {
    lua_pushcfunction(L, walk_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
}
