#include "bind/coroutine.h"

#include "bind/task.h"

#include <lauxlib.h>
#include <lualib.h>

#define REFUSED " a coroutine whose task waits"
#define RESUMED 1 /* where resume() and close() have their coroutine … */
#define WRAPPED lua_upvalueindex(1) /* … and a wrapped one */

static const char waiting_key; /* registry: coroutines in which a task waits; weak */
static unsigned n_waiting;     /* most often there is none to look for */

/* Whether a task waits in the coroutine at `at`. */
static bool is_waiting(lua_State *L, int at) {
  if (!n_waiting)
    return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
  lua_pushvalue(L, at);
  bool waits = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return waits;
}

/* (coroutine, true or nil) */
static int note(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
  lua_insert(L, 1);
  lua_rawset(L, 1);
  return 0;
}

/* A task is about to wait in the coroutine at `at`, which nobody else may resume or close
 * meanwhile. Without memory for a note of that somebody may, and the task is told
 * afterwards. */
static void begin_waiting(lua_State *L, int at) {
  lua_pushcfunction(L, note);
  lua_pushvalue(L, at);
  lua_pushboolean(L, true);
  if (lua_pcall(L, 2, 0, 0) == LUA_OK)
    n_waiting++;
  else
    lua_pop(L, 1);
}

static void end_waiting(lua_State *L, int at) {
  if (!is_waiting(L, at))
    return;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
  lua_pushvalue(L, at);
  lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  n_waiting--;
}

/* Resumes the coroutine at `at` with the n values on its stack. When it yields because
 * its task waits, so does the caller, and `k` goes on with the same coroutine. Returns
 * how many values lie on top of L, or -1 with an error value there; does not return when
 * it yields. */
static int resume(lua_State *L, int at, int n, lua_KFunction k) {
  lua_State *co = lua_tothread(L, at);
  int n_results;
  lua_State *before = bind_task_current() ? bind_task_move(co) : NULL;
  int status = lua_resume(co, L, n, &n_results);
  if (bind_task_current()) {
    if (status == LUA_YIELD && bind_task_is_parking()) {
      begin_waiting(L, at);
      return lua_yieldk(L, 0, 0, k);
    }
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
  (void)status, (void)context;
  end_waiting(L, RESUMED);
  return resume_result(L, resume(L, RESUMED, 0, resume_again));
}

static int co_resume(lua_State *L) {
  lua_State *co = check_coroutine(L);
  int n = lua_gettop(L) - 1;
  if (is_waiting(L, RESUMED)) {
    lua_pushliteral(L, "cannot resume" REFUSED);
    return resume_result(L, -1);
  }
  if (pass(L, co, n) < 0) {
    lua_pushliteral(L, "too many arguments to resume");
    return resume_result(L, -1);
  }
  return resume_result(L, resume(L, RESUMED, n, resume_again));
}

/* As Lua does it: a failed coroutine is closed, and a message gets the place of the call.
 */
static int wrap_result(lua_State *L, int n) {
  if (n >= 0)
    return n;
  lua_State *co = lua_tothread(L, WRAPPED);
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
  (void)status, (void)context;
  end_waiting(L, WRAPPED);
  return wrap_result(L, resume(L, WRAPPED, 0, wrap_again));
}

static int wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, WRAPPED);
  int n = lua_gettop(L);
  if (is_waiting(L, WRAPPED))
    return luaL_error(L, "cannot resume" REFUSED);
  if (pass(L, co, n) < 0)
    return luaL_error(L, "too many arguments to resume");
  return wrap_result(L, resume(L, WRAPPED, n, wrap_again));
}

static int co_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, wrapped, 1);
  return 1;
}

/* Upvalue 1: Lua's own. */
static int close_idle(lua_State *L) {
  check_coroutine(L);
  if (is_waiting(L, RESUMED))
    return luaL_error(L, "cannot close" REFUSED);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int yielded(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  bind_task_check_cancel(L);
  return lua_gettop(L);
}

static int yield(lua_State *L) {
  if (bind_task_is_at(L))
    return lua_yieldk(L, lua_gettop(L), 0, yielded);
  return lua_yield(L, lua_gettop(L));
}

static void make_table(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &waiting_key);
  n_waiting = 0;
}

void bind_open_coroutine(lua_State *L) {
  make_table(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_COLIBNAME) == LUA_TTABLE) {
    lua_pushcfunction(L, co_resume);
    lua_setfield(L, -2, "resume");
    lua_pushcfunction(L, co_wrap);
    lua_setfield(L, -2, "wrap");
    lua_pushcfunction(L, yield);
    lua_setfield(L, -2, "yield");
    lua_getfield(L, -1, "close");
    lua_pushcclosure(L, close_idle, 1);
    lua_setfield(L, -2, "close");
  }
  lua_pop(L, 2);
}
