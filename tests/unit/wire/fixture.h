/* Two Lua states with the codec open, and functions for scripts that test it.
 *
 *   cross(...)              the values, encoded and decoded in this state
 *   there(code, ...)        runs `code` in the other state on the values; what it returns
 * comes back bytes(...), from(text)  the message as a string, and back refusal(value) the
 * error of sending it, as an "item" is_plain(value)         wire_is_plain of its message
 *   handle(n), ref(h)       a handle of the shared object n; what a handle refers to
 *   class(name, mt), constant(name, table)   register in this state
 *
 * A script that raises fails its test. */
#ifndef TESTS_UNIT_WIRE_FIXTURE_H
#define TESTS_UNIT_WIRE_FIXTURE_H

#include "wire/wire.h"

#include <lauxlib.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HANDLE "test.handle"

static inline bool handle_to_ref(lua_State *L, int index, uint32_t *ref) {
  /* As wire asks: no luaL_testudata, since that makes a string. */
  if (!lua_getmetatable(L, index))
    return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, HANDLE);
  bool is = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  if (is)
    *ref = *(uint32_t *)lua_touserdata(L, index);
  return is;
}

static inline void handle_push(lua_State *L, uint32_t ref) {
  uint32_t *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = ref;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, HANDLE) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, HANDLE);
  }
  lua_setmetatable(L, -2);
}

static const struct wire_hooks fixture_hooks = {handle_to_ref, handle_push, NULL};

/* Decodes in `to` a copy of what `from` has just encoded, since decoding may encode. Nor
 * may the collector run before the copy is made: a finalizer may send something. */
static inline int fixture_copy(lua_State *from, lua_State *to, int first, int count) {
  struct wire_bytes out;
  wire_encode(from, first, count, "item", &out);
  lua_gc(to, LUA_GCSTOP);
  unsigned char *bytes = lua_newuserdatauv(to, out.length + 1, 0);
  uint32_t *refs = lua_newuserdatauv(to, (out.n_refs + 1) * sizeof *refs, 0);
  lua_gc(to, LUA_GCRESTART);
  memcpy(bytes, out.bytes, out.length);
  if (out.n_refs)
    memcpy(refs, out.refs, out.n_refs * sizeof *refs);
  struct wire_bytes in = {bytes, out.length, refs, out.n_refs};
  return wire_decode(to, &in);
}

static inline int fixture_cross(lua_State *L) {
  int count = lua_gettop(L);
  return count ? fixture_copy(L, L, 1, count) : 0;
}

static inline lua_State *fixture_other(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "test.other");
  lua_State *other = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return other;
}

static inline int fixture_run_there(lua_State *T) {
  lua_State *L = lua_touserdata(T, 1);
  const char *code = lua_tostring(L, 1);
  if (luaL_loadstring(T, code) != LUA_OK)
    return lua_error(T);
  int function = lua_gettop(T);
  int count = lua_gettop(L) > 1 ? fixture_copy(L, T, 2, lua_gettop(L) - 1) : 0;
  lua_pushvalue(T, function);
  lua_insert(T, -count - 1);
  int base = lua_gettop(T) - count - 1;
  lua_call(T, count, LUA_MULTRET);
  return lua_gettop(T) - base;
}

static inline int fixture_there(lua_State *L) {
  lua_State *T = fixture_other(L);
  luaL_checkstring(L, 1);
  lua_settop(T, 0);
  lua_pushcfunction(T, fixture_run_there);
  lua_pushlightuserdata(T, L);
  int status = lua_pcall(T, 1, LUA_MULTRET, 0);
  if (status != LUA_OK)
    return luaL_error(L, "%s", lua_tostring(T, -1));
  int results = lua_gettop(T);
  return results ? fixture_copy(T, L, 1, results) : 0;
}

static inline int fixture_bytes(lua_State *L) {
  struct wire_bytes out;
  wire_encode(L, 1, lua_gettop(L), "item", &out);
  lua_pushlstring(L, (const char *)out.bytes, out.length);
  return 1;
}

static inline int fixture_from(lua_State *L) {
  static const uint32_t refs[] = {7};
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  struct wire_bytes in = {(const unsigned char *)text, n, refs, 1};
  return wire_decode(L, &in);
}

static inline int fixture_refusal(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  lua_pushcfunction(L, fixture_bytes);
  lua_insert(L, 1);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK)
    return luaL_error(L, "it was not refused");
  return 1;
}

static inline int fixture_is_plain(lua_State *L) {
  struct wire_bytes out;
  wire_encode(L, 1, lua_gettop(L), "item", &out);
  lua_pushboolean(L, wire_is_plain(&out));
  return 1;
}

static inline int fixture_handle(lua_State *L) {
  handle_push(L, (uint32_t)luaL_checkinteger(L, 1));
  return 1;
}

static inline int fixture_ref(lua_State *L) {
  uint32_t ref;
  if (lua_type(L, 1) != LUA_TUSERDATA || !handle_to_ref(L, 1, &ref))
    return 0;
  lua_pushinteger(L, ref);
  return 1;
}

static inline int fixture_class(lua_State *L) {
  wire_register_class(L, luaL_checkstring(L, 1), 2);
  return 0;
}

static inline int fixture_constant(lua_State *L) {
  wire_register_constant(L, luaL_checkstring(L, 1), 2);
  return 0;
}

static inline int fixture_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"cross", fixture_cross},
                                       {"there", fixture_there},
                                       {"bytes", fixture_bytes},
                                       {"from", fixture_from},
                                       {"refusal", fixture_refusal},
                                       {"is_plain", fixture_is_plain},
                                       {"handle", fixture_handle},
                                       {"ref", fixture_ref},
                                       {"class", fixture_class},
                                       {"constant", fixture_constant},
                                       {NULL, NULL}};
  luaL_openlibs(L);
  wire_open(L, &fixture_hooks);
  handle_push(L, 0);
  lua_pushglobaltable(L);
  luaL_setfuncs(L, functions, 0);
  lua_settop(L, 0);
  return 0;
}

static inline lua_State *fixture_state(lua_Alloc alloc, void *data) {
  lua_State *L = alloc ? lua_newstate(alloc, data) : luaL_newstate();
  assert_non_null(L);
  lua_pushcfunction(L, fixture_open);
  assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_OK);
  return L;
}

/* Runs a script in fresh states. */
static inline void run_script(const char *script) {
  lua_State *L = fixture_state(NULL, NULL);
  lua_State *T = fixture_state(NULL, NULL);
  lua_pushlightuserdata(L, T);
  lua_setfield(L, LUA_REGISTRYINDEX, "test.other");
  lua_getglobal(L, "debug");
  lua_getfield(L, -1, "traceback");
  int status = luaL_loadbuffer(L, script, strlen(script), "=script");
  if (status == LUA_OK)
    status = lua_pcall(L, 0, 0, lua_gettop(L) - 1);
  char message[2048] = "";
  if (status != LUA_OK)
    strncpy(message, luaL_tolstring(L, -1, NULL), sizeof message - 1);
  lua_close(L);
  lua_close(T);
  if (status != LUA_OK)
    fail_msg("%s", message);
}

#endif
