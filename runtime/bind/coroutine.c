#include "bind/coroutine.h"

#include "bind/task.h"

#include <lauxlib.h>
#include <lualib.h>

/* Resumes `co` with the n values on its stack. When it yields because its task waits, so
 * does the caller, and `k` goes on with the same coroutine. Returns how many values lie
 * on top of L, or -1 with an error value there; does not return when it yields. */
static int resume(lua_State *L, lua_State *co, int n, lua_KFunction k) {
  int n_results;
  lua_State *before = bind_task_current() ? bind_task_move(co) : NULL;
  int status = lua_resume(co, L, n, &n_results);
  if (bind_task_current()) {
    if (status == LUA_YIELD && bind_task_is_parking())
      return lua_yieldk(L, 0, (lua_KContext)co, k);
    bind_task_move(before);
  }
  if (status == LUA_OK || status == LUA_YIELD) {
    if (!lua_checkstack(L, n_results + 1)) {
      lua_pop(co, n_results);
      lua_pushliteral(L, "too many results to resume");
      return -1;
    }
    lua_xmove(co, L, n_results);
    return n_results;
  }
  lua_xmove(co, L, 1);
  return -1;
}

static lua_State *check_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  return co;
}

static int pass(lua_State *L, lua_State *co, int n) {
  if (lua_checkstack(co, n)) {
    lua_xmove(L, co, n);
    return n;
  }
  return -1;
}

static int resume_result(lua_State *L, int n) {
  if (n < 0) {
    lua_pushboolean(L, false);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushboolean(L, true);
  lua_insert(L, -(n + 1));
  return n + 1;
}

/* The task that waited inside `co` goes on: down into the coroutine again. */
static int resume_again(lua_State *L, int status, lua_KContext context) {
  (void)status;
  lua_State *co = (lua_State *)context;
  return resume_result(L, resume(L, co, 0, resume_again));
}

static int co_resume(lua_State *L) {
  lua_State *co = check_coroutine(L);
  int n = lua_gettop(L) - 1;
  if (pass(L, co, n) < 0) {
    lua_pushliteral(L, "too many arguments to resume");
    return resume_result(L, -1);
  }
  return resume_result(L, resume(L, co, n, resume_again));
}

/* As Lua does it: a failed coroutine is closed, and a message gets the place of the call.
 */
static int wrap_result(lua_State *L, lua_State *co, int n) {
  if (n >= 0)
    return n;
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    if (lua_resetthread(co) != LUA_OK) {
      lua_pop(L, 1);
      lua_xmove(co, L, 1);
    }
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int wrap_again(lua_State *L, int status, lua_KContext context) {
  (void)status;
  lua_State *co = (lua_State *)context;
  return wrap_result(L, co, resume(L, co, 0, wrap_again));
}

static int wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int n = lua_gettop(L);
  if (pass(L, co, n) < 0)
    return luaL_error(L, "too many arguments to resume");
  return wrap_result(L, co, resume(L, co, n, wrap_again));
}

static int co_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, wrapped, 1);
  return 1;
}

static int yielded(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  bind_task_check_cancel(L);
  return lua_gettop(L);
}

static int co_yield (lua_State *L) {
  if (bind_task_is_at(L))
    return lua_yieldk(L, lua_gettop(L), 0, yielded);
  return lua_yield(L, lua_gettop(L));
}

void bind_open_coroutine(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_COLIBNAME) == LUA_TTABLE) {
    lua_pushcfunction(L, co_resume);
    lua_setfield(L, -2, "resume");
    lua_pushcfunction(L, co_wrap);
    lua_setfield(L, -2, "wrap");
    lua_pushcfunction(L, co_yield );
    lua_setfield(L, -2, "yield");
  }
  lua_pop(L, 2);
}
