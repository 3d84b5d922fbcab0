/* Plain tables become shared ones, and the other way round. */
#ifndef MC_BIND_SHARED_TABLE_H
#define MC_BIND_SHARED_TABLE_H

#include "share/value.h"

#include <lua.h>

/* Pushes the handle of a new list (for a sequence that is not empty) or dict with what is
 * in the plain table at `index`; tables in it become shared ones too, one that is there
 * twice becomes one. Raises for a table that contains itself and for what can't be
 * shared, saying where it sits. */
void bind_share_table(lua_State *L, int index);

/* The same, but a dict or a list as asked, whatever the table is like. */
void bind_share_as_dict(lua_State *L, int index);
void bind_share_as_list(lua_State *L, int index);

/* Puts the elements 1 … #t of the table at `index` to the end of a list, all or none. */
void bind_append_all(lua_State *L, mc_ref list, int index, const char *function);

/* Writes the pairs of the table at `index` to a dict, all or none. */
void bind_update_all(lua_State *L, mc_ref dict, int index, const char *function);

/* Pushes a deep plain copy of a dict or a list: shared tables in it are copied too, other
 * handles stay. */
void bind_copy_plain(lua_State *L, mc_ref table);

#endif
