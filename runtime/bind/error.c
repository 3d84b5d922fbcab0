#include "bind/error.h"

#include "base/error.h"
#include "bind/current.h"
#include "bind/traceback.h"
#include "wire/wire.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <unistd.h>

#define CLASS "mooncrew.Error"

static const char constants_key; /* registry: code → constant */

static const int constants[] = {MC_EMPTY,   MC_FULL,      MC_CLOSED,
                                MC_TIMEOUT, MC_CANCELLED, MC_SKIPPED};

static int constant_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "message");
  return 1;
}

/* Pushes o.message, with the traceback below it when there is one. */
static int error_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "message");
  lua_getfield(L, 1, "traceback");
  const char *message = lua_tostring(L, -2);
  const char *traceback = lua_tostring(L, -1);
  if (!message)
    message = "(error without a message)";
  if (traceback)
    lua_pushfstring(L, "%s\n%s", message, traceback);
  else
    lua_pushstring(L, message);
  return 1;
}

static void open_constants(lua_State *L, int module) {
  lua_newtable(L);          /* code → constant */
  lua_createtable(L, 0, 2); /* their metatable */
  lua_pushliteral(L, "mooncrew.constant");
  lua_setfield(L, -2, "__name");
  lua_pushcfunction(L, constant_tostring);
  lua_setfield(L, -2, "__tostring");
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
    const char *kind = mc_error_kind(constants[i]);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, kind);
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, mc_strerror(constants[i]));
    lua_setfield(L, -2, "message");
    lua_pushvalue(L, -2);
    lua_setmetatable(L, -2);
    wire_register_constant(L, lua_pushfstring(L, "mooncrew.%s", kind), -2);
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, module, kind);
    lua_rawseti(L, -3, constants[i]);
  }
  lua_pop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &constants_key);
}

void bind_open_error(lua_State *L) {
  int module = lua_gettop(L);
  open_constants(L, module);
  luaL_newmetatable(L, CLASS);
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  wire_register_class(L, CLASS, -1);
  lua_setfield(L, module, "Error");
}

void bind_push_constant(lua_State *L, int code) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &constants_key);
  lua_rawgeti(L, -1, code);
  lua_remove(L, -2);
}

int bind_outcome(lua_State *L, int code) {
  lua_pushnil(L);
  bind_push_constant(L, code);
  return 2;
}

void bind_push_error(lua_State *L, const char *kind, const char *format, ...) {
  va_list arguments;
  lua_createtable(L, 0, 4);
  lua_pushstring(L, kind);
  lua_setfield(L, -2, "kind");
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  lua_setfield(L, -2, "message");
  luaL_setmetatable(L, CLASS);
}

void bind_push_failure(lua_State *L, const char *function, int code) {
  bind_push_error(L, mc_error_kind(code), "%s: %s", function, mc_strerror(code));
}

int bind_raise(lua_State *L, const char *function, int code) {
  bind_push_failure(L, function, code);
  return lua_error(L);
}

int bind_outcome_or_raise(lua_State *L, const char *function, int code) {
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
    if (constants[i] == code)
      return bind_outcome(L, code);
  return bind_raise(L, function, code);
}

int bind_error(lua_State *L, const char *format, ...) {
  va_list arguments;
  bind_push_where(L);
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  lua_concat(L, 2);
  return lua_error(L);
}

static bool is_error_object(lua_State *L, int index) {
  if (!lua_istable(L, index) || !lua_getmetatable(L, index))
    return false;
  luaL_getmetatable(L, CLASS);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

int bind_error_handler(lua_State *L) {
  int level = (int)luaL_optinteger(L, 2, 1);
  if (is_error_object(L, 1)) {
    lua_getfield(L, 1, "traceback");
    if (!lua_isnil(L, -1)) {
      lua_settop(L, 1);
      return 1;
    }
  } else {
    bind_push_error(L, "Error", "%s", luaL_tolstring(L, 1, NULL));
    if (!lua_isstring(L, 1)) {
      lua_pushvalue(L, 1);
      lua_setfield(L, -2, "value");
    }
    lua_replace(L, 1);
  }
  lua_settop(L, 1);
  bind_push_traceback(L, L, level);
  lua_setfield(L, 1, "traceback");
  lua_pushstring(L, bind_current_name());
  lua_setfield(L, 1, "process");
  lua_pushinteger(L, getpid());
  lua_setfield(L, 1, "pid");
  return 1;
}

const char *bind_error_text(lua_State *L, int index) {
  return luaL_tolstring(L, index, NULL);
}
