/* mooncrew.Process and the functions about processes. */
#ifndef MC_BIND_PROCESS_H
#define MC_BIND_PROCESS_H

#include <lua.h>

/* Sets Process, active_children, getpid, … in the module table on top. */
void bind_open_process(lua_State *L);

/* Pushes table[1] … table[table.n or #table]; returns how many. Nothing for a nil. */
int bind_push_args(lua_State *L, int table);

#endif
