/* mooncrew.dict: a table that processes share. */
#ifndef MC_BIND_DICT_H
#define MC_BIND_DICT_H

#include <lua.h>

#define BIND_DICT_CLASS "mooncrew.dict"

/* Sets dict in the module table on top, and makes the class. */
void bind_open_dict(lua_State *L);

/* Sets what lua/mooncrew/tables.lua builds modify on, in the table on top. */
void bind_open_dict_parts(lua_State *L);

#endif
