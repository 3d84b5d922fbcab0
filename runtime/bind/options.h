/* Tables of named options: what is misspelt is refused, never ignored. */
#ifndef MC_BIND_OPTIONS_H
#define MC_BIND_OPTIONS_H

#include <lua.h>

/* Raises an argument error when the table at `arg` has a key that is not in the list
 * (ended by NULL); integer keys are let through when `known` has "[]". */
void bind_check_options(lua_State *L, int arg, const char *const *known);

/* The same for one key, at `key` of the stack. */
void bind_check_option(lua_State *L, int arg, int key, const char *const *known);

#endif
