/* mooncrew.list and mooncrew.Value: a shared array, and a shared cell. */
#ifndef MC_BIND_LIST_H
#define MC_BIND_LIST_H

#include <lua.h>

#define BIND_LIST_CLASS  "mooncrew.list"
#define BIND_VALUE_CLASS "mooncrew.Value"

/* Set list or Value in the module table on top, and make the class. */
void bind_open_list(lua_State *L);
void bind_open_value(lua_State *L);

/* Sets what lua/mooncrew/tables.lua builds sort on, in the table on top. */
void bind_open_list_parts(lua_State *L);

#endif
