#include "bind/array.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/shared_value.h"
#include "share/array.h"

#include <lauxlib.h>

static const char *const kind_names[] = {"i8",  "u8",  "i16", "u16", "i32",
                                         "u32", "i64", "f32", "f64", NULL};

static mc_ref check_array(lua_State *L) {
  return bind_check_handle(L, 1, BIND_ARRAY_CLASS);
}

/* The 0-based index at `arg`; raises when it is no integer. */
static uint64_t check_index(lua_State *L, int arg, const char *function) {
  int is_integer = 0;
  lua_Integer i = 0;
  if (lua_type(L, arg) == LUA_TNUMBER)
    i = lua_tointegerx(L, arg, &is_integer);
  if (!is_integer)
    luaL_error(L, "%s: a whole number expected as the index, got %s", function,
               luaL_tolstring(L, arg, NULL));
  return (uint64_t)i - 1;
}

static int out_of_range(lua_State *L, mc_ref array, const char *function, uint64_t i) {
  bind_push_error(L, mc_error_kind(MC_RANGE), "%s: index %I is outside of 1 ... %I",
                  function, (LUAI_UACINT)i + 1, (LUAI_UACINT)mc_array_size(array));
  return lua_error(L);
}

/* The number on the stack as an element. */
static void to_element(lua_State *L, int index, mc_ref array, const char *function,
                       void *element) {
  struct mc_value value;
  if (lua_type(L, index) != LUA_TNUMBER)
    luaL_error(L, "%s: a number expected, got %s", function, luaL_typename(L, index));
  bind_check_number(L, index, &value);
  if (!mc_array_store(mc_array_kind(array), element, &value))
    luaL_error(L, "%s: %s does not fit an element of kind %s", function,
               luaL_tolstring(L, index, NULL), kind_names[mc_array_kind(array)]);
}

static void push_element(lua_State *L, mc_ref array, const void *element) {
  struct mc_value value;
  mc_array_load(mc_array_kind(array), element, &value);
  bind_push_number(L, &value);
}

static int array_index(lua_State *L) {
  mc_ref array = check_array(L);
  uint64_t element;
  if (lua_type(L, 2) == LUA_TSTRING) {
    const char *name = lua_tostring(L, 2);
    if (!strcmp(name, "kind"))
      lua_pushstring(L, kind_names[mc_array_kind(array)]);
    else
      lua_getfield(L, lua_upvalueindex(1), name);
  } else if (mc_array_read(array, check_index(L, 2, "Array"), 1, &element) == 0) {
    push_element(L, array, &element);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

static int array_newindex(lua_State *L) {
  mc_ref array = check_array(L);
  uint64_t element;
  uint64_t i = check_index(L, 2, "Array");
  to_element(L, 3, array, "Array", &element);
  if (mc_array_write(array, i, 1, &element) != 0)
    return out_of_range(L, array, "Array", i);
  return 0;
}

static int array_len(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mc_array_size(check_array(L)));
  return 1;
}

/* a:get([from [, to]]): a plain list */
static int array_get(lua_State *L) {
  mc_ref array = check_array(L);
  lua_Integer size = (lua_Integer)mc_array_size(array);
  lua_Integer from = luaL_optinteger(L, 2, 1);
  lua_Integer to = luaL_optinteger(L, 3, size);
  size_t width = mc_array_width(mc_array_kind(array));
  if (from < 1 || from > size + 1)
    return out_of_range(L, array, "get", (uint64_t)from - 1);
  if (to > size || to < 0)
    return out_of_range(L, array, "get", (uint64_t)to - 1);
  size_t n = to >= from ? (size_t)(to - from + 1) : 0;
  char *elements = lua_newuserdatauv(L, n * width + 1, 0);
  int error = mc_array_read(array, (uint64_t)from - 1, n, elements);
  if (error)
    return bind_raise(L, "get", error);
  lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
  for (size_t i = 0; i < n; i++) {
    push_element(L, array, elements + i * width);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* a:set(from, list): all of it at once */
static int array_set(lua_State *L) {
  mc_ref array = check_array(L);
  uint64_t from = check_index(L, 2, "set");
  luaL_checktype(L, 3, LUA_TTABLE);
  size_t n = lua_rawlen(L, 3);
  size_t width = mc_array_width(mc_array_kind(array));
  char *elements = lua_newuserdatauv(L, n * width + sizeof(uint64_t), 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 3, (lua_Integer)i + 1);
    to_element(L, -1, array, "set", elements + i * width);
    lua_pop(L, 1);
  }
  int error = mc_array_write(array, from, n, elements);
  if (error == MC_RANGE)
    return out_of_range(L, array, "set", from + n - 1);
  return error ? bind_raise(L, "set", error) : 0;
}

static int array_incr(lua_State *L) {
  mc_ref array = check_array(L);
  struct mc_value by = {.form = MC_INTEGER, .integer = 1};
  struct mc_value result;
  uint64_t i = check_index(L, 2, "incr");
  if (!lua_isnoneornil(L, 3))
    bind_check_number(L, 3, &by);
  if (i >= mc_array_size(array))
    return out_of_range(L, array, "incr", i);
  if (mc_array_increment(array, i, &by, &result) != 0) {
    bind_push_number(L, &result);
    return luaL_error(L, "incr: %s does not fit an element of kind %s",
                      luaL_tolstring(L, -1, NULL), kind_names[mc_array_kind(array)]);
  }
  bind_push_number(L, &result);
  return 1;
}

static int array_tostring(lua_State *L) {
  mc_ref array = check_array(L);
  lua_pushfstring(L, "%s: %I elements of kind %s", BIND_ARRAY_CLASS,
                  (LUAI_UACINT)mc_array_size(array), kind_names[mc_array_kind(array)]);
  return 1;
}

/* mooncrew.Array(kind, n) or mooncrew.Array(kind, list) */
static int make_array(lua_State *L) {
  enum mc_array_kind kind = (enum mc_array_kind)luaL_checkoption(L, 1, NULL, kind_names);
  bool list = lua_istable(L, 2);
  lua_Integer n = list ? (lua_Integer)lua_rawlen(L, 2) : luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 0, 2, "a length of at least 0 expected");
  mc_ref array;
  int error = mc_array_create(kind, (uint64_t)n, &array);
  if (error)
    return bind_raise(L, "Array", error);
  bind_handle_adopt(L, array);
  if (list) {
    lua_pushcfunction(L, array_set);
    lua_pushvalue(L, -2);
    lua_pushinteger(L, 1);
    lua_pushvalue(L, 2);
    lua_call(L, 3, 0);
  }
  return 1;
}

static const luaL_Reg methods[] = {
    {"get", array_get},
    {"set", array_set},
    {"incr", array_incr},
    {NULL, NULL},
};

void bind_open_array(lua_State *L) {
  lua_createtable(L, 0, 8);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, array_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, array_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, array_len);
  lua_setfield(L, -2, "__len");
  lua_pushcfunction(L, array_tostring);
  lua_setfield(L, -2, "__tostring");
  bind_handle_class(L, MC_KIND_ARRAY, BIND_ARRAY_CLASS);
  lua_pushcfunction(L, make_array);
  lua_setfield(L, -2, "Array");
}
