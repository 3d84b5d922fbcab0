#include "bind/task_name.h"

#include "crew/interrupt.h"

#include <lauxlib.h>

void bind_task_push_name(lua_State *L, int index, uint64_t id) {
  if (lua_getiuservalue(L, index, BIND_TASK_LABEL) == LUA_TSTRING)
    return;
  lua_pop(L, 1);
  lua_pushfstring(L, "Task-%I", (LUAI_UACINT)id);
}

/* Pushes where the function begins that the task at `index` runs, "file.lua:12", or nil.
 */
static void push_place(lua_State *L, int index) {
  lua_Debug record;
  if (lua_getiuservalue(L, index, BIND_TASK_LABEL) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    lua_pushnil(L);
    return;
  }
  lua_getinfo(L, ">S", &record);
  if (record.linedefined < 0)
    lua_pushnil(L); /* in C */
  else
    lua_pushfstring(L, "%s:%d", record.short_src, record.linedefined);
}

/* tell(task, number, seconds) */
static int tell(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "mooncrew.log");
  if (!luaL_getmetafield(L, -1, "slow_task"))
    return 0;
  bind_task_push_name(L, 1, (uint64_t)lua_tointeger(L, 2));
  push_place(L, 1);
  lua_pushvalue(L, 3);
  lua_call(L, 3, 0);
  return 0;
}

void bind_task_tell_slow(lua_State *L, uint64_t id, mc_time took) {
  if (!lua_checkstack(L, 4)) {
    lua_pop(L, 1);
    return;
  }
  lua_pushcfunction(L, tell);
  lua_insert(L, -2);
  lua_pushinteger(L, (lua_Integer)id);
  lua_pushnumber(L, (lua_Number)took / 1e9);
  if (lua_pcall(L, 3, 0, 0) == LUA_OK)
    return;
  if (lua_type(L, -1) == LUA_TSTRING) {
    size_t length;
    const char *message = lua_tolstring(L, -1, &length);
    enum mc_interruption what = mc_interrupt_of(message, length);
    if (what != MC_NO_INTERRUPTION)
      mc_interrupt(what);
  }
  lua_pop(L, 1);
}
