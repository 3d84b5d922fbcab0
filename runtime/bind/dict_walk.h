/* Iterating over a shared dict. */
#ifndef MC_BIND_DICT_WALK_H
#define MC_BIND_DICT_WALK_H

#include <lua.h>

/* pairs(d) and dict.items(d): the iterator, d, nil. */
int bind_dict_pairs(lua_State *L);

/* dict.keys(d), dict.values(d): plain lists. */
int bind_dict_keys(lua_State *L);
int bind_dict_values(lua_State *L);

/* Pushes a plain table with the entries of the dict at `index`; shared tables in it stay
 * shared. */
void bind_dict_to_table(lua_State *L, int index);

#endif
