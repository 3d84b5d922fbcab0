/* One message of each kind that the codec knows, as the script that makes its values.
 * What crosses by name or reference: see seeds_ready. */
#ifndef TESTS_FUZZ_SEEDS_DECODE_H
#define TESTS_FUZZ_SEEDS_DECODE_H

#include "wire/wire.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

static const char *const seeds[] = {
    "return nil, true, false, 0, 1, -1, 127, 128, -300, 70000, math.mininteger",
    "return 1.5, -0.0, 0/0, 1/0, 'short', ('long'):rep(20), ''",
    "return {1, 2, 3, nil, 5, x = 1, y = {z = 'deep', [2.5] = true, [-7] = {}}}",
    "local s = {1} local t = {s, s, a = s, [s] = s} t.self = t return t, s",
    "return setmetatable({1}, {__index = {2}, __name = 'name'})",
    "local t = {} setmetatable(t, t) return t, getmetatable(t)",
    "local t = {} for i = 1, 10 do t = {t} end return t",
    "local t = {} for i = 1, 256 do t[-i] = true end return t",
    "return function() end",
    "local n = 0 return function() n = n + 1 end, function() return n, print end",
    "local function f(n) return n < 2 and n or f(n - 1) end return f, {f}",
    "local t = {} function t.f() return t end function t.g() return t, t.f end return t",
    "return print, string.format, string, _G, {_G}",
    "return Class, setmetatable({}, Class), Constant, {Constant}",
    "local h = handle(1) return h, {h, handle(2)}",
    "return {id = 1, name = 'task', v = 1.5, args = {n = 2, 'a', {}}}",
};

#define SEEDS (sizeof seeds / sizeof *seeds)

/* Handles are userdata that hold their reference; nothing else is a userdata here. */
static inline bool seeds_to_ref(lua_State *L, int index, uint32_t *ref) {
  *ref = *(uint32_t *)lua_touserdata(L, index);
  return true;
}

static inline void seeds_push(lua_State *L, uint32_t ref) {
  *(uint32_t *)lua_newuserdatauv(L, sizeof ref, 0) = ref;
}

static const struct wire_hooks seeds_hooks = {seeds_to_ref, seeds_push, NULL};

static inline int seeds_handle(lua_State *L) {
  seeds_push(L, (uint32_t)luaL_checkinteger(L, 1));
  return 1;
}

/* Libraries that do no harm whatever a message calls: a decoded table may have a
 * finalizer. */
static inline void seeds_ready(lua_State *L) {
  luaL_requiref(L, "_G", luaopen_base, 1);
  luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
  luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
  wire_open(L, &seeds_hooks);
  lua_register(L, "handle", seeds_handle);
  lua_newtable(L);
  wire_register_class(L, "Class", -1);
  lua_setglobal(L, "Class");
  lua_newtable(L);
  wire_register_constant(L, "Constant", -1);
  lua_setglobal(L, "Constant");
  lua_settop(L, 0);
}

/* Encodes a seed; its values stay on the stack. */
static inline void seeds_encode(lua_State *L, size_t i, struct wire_bytes *out) {
  if (luaL_loadbuffer(L, seeds[i], strlen(seeds[i]), "=seed") != LUA_OK)
    lua_error(L);
  int top = lua_gettop(L);
  lua_call(L, 0, LUA_MULTRET);
  wire_encode(L, top, lua_gettop(L) - top + 1, "seed", out);
}

#endif
