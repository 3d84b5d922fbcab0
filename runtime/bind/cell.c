/* mooncrew.Value: one value that processes share. */
#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/list.h"
#include "bind/shared_value.h"
#include "share/list.h"

#include <lauxlib.h>

static mc_ref check_cell(lua_State *L) {
  return bind_check_handle(L, 1, BIND_VALUE_CLASS);
}

static int push_value(lua_State *L, mc_ref cell) {
  struct mc_batch *batch = bind_batch();
  int found = mc_list_get(cell, 0, batch);
  if (found < 0)
    return bind_raise(L, "Value", found);
  bind_push_only(L, batch);
  return 1;
}

static void set_value(lua_State *L, mc_ref cell, int arg) {
  struct mc_value value;
  mc_ref room;
  bind_to_value(L, arg, &value, &room);
  int error = mc_list_set(cell, 0, &value);
  if (error)
    bind_raise(L, "Value", error);
}

static int cell_get(lua_State *L) {
  return push_value(L, check_cell(L));
}

static int cell_set(lua_State *L) {
  mc_ref cell = check_cell(L);
  luaL_checkany(L, 2);
  set_value(L, cell, 2);
  return 0;
}

static int cell_incr(lua_State *L) {
  mc_ref cell = check_cell(L);
  struct mc_value by = {.form = MC_INTEGER, .integer = 1};
  struct mc_value result;
  if (!lua_isnoneornil(L, 2))
    bind_check_number(L, 2, &by);
  int error = mc_list_increment(cell, 0, &by, &result);
  if (error)
    return bind_raise(L, "incr", error);
  bind_push_number(L, &result);
  return 1;
}

static int cell_cas(lua_State *L) {
  mc_ref cell = check_cell(L);
  struct mc_value old;
  struct mc_value value;
  mc_ref room[2];
  luaL_checkany(L, 3);
  lua_settop(L, 3);
  bool swapped = false;
  if (!bind_is_plain_table(L, 2)) {
    bind_to_compare(L, 2, bind_is_complex(L, 3), "cas", &old, &room[0]);
    bind_to_value(L, 3, &value, &room[1]);
    int done = mc_list_compare_set(cell, 0, &old, &value);
    if (done < 0)
      return bind_raise(L, "cas", done);
    swapped = done;
  }
  lua_pushboolean(L, swapped);
  return 1;
}

static int cell_index(lua_State *L) {
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1; /* a method */
  mc_ref cell = check_cell(L);
  return strcmp(luaL_checkstring(L, 2), "value") ? 0 : push_value(L, cell);
}

static int cell_newindex(lua_State *L) {
  mc_ref cell = check_cell(L);
  const char *name = luaL_checkstring(L, 2);
  if (strcmp(name, "value") != 0)
    return luaL_error(L, "Value: no field '%s' to set: only 'value'", name);
  set_value(L, cell, 3);
  return 0;
}

static int cell_tostring(lua_State *L) {
  push_value(L, check_cell(L));
  luaL_tolstring(L, -1, NULL);
  lua_pushfstring(L, "%s: %s", BIND_VALUE_CLASS, lua_tostring(L, -1));
  return 1;
}

/* mooncrew.Value([initial]) */
static int make_cell(lua_State *L) {
  struct mc_value value;
  mc_ref room;
  mc_ref cell;
  lua_settop(L, 1);
  bind_to_value(L, 1, &value, &room);
  int error = mc_value_create(&value, &cell);
  if (error)
    return bind_raise(L, "Value", error);
  bind_handle_adopt(L, cell);
  return 1;
}

static const luaL_Reg methods[] = {
    {"get", cell_get}, {"set", cell_set}, {"incr", cell_incr},
    {"cas", cell_cas}, {NULL, NULL},
};

void bind_open_value(lua_State *L) {
  lua_createtable(L, 0, 6);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, cell_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, cell_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, cell_tostring);
  lua_setfield(L, -2, "__tostring");
  bind_handle_class(L, MC_KIND_VALUE, BIND_VALUE_CLASS);
  lua_pushcfunction(L, make_cell);
  lua_setfield(L, -2, "Value");
}
