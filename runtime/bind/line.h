/* Whole lines for a file that other processes write to as well, as lua/mooncrew/log.lua
 * uses them. */
#ifndef MC_BIND_LINE_H
#define MC_BIND_LINE_H

#include <lua.h>

/* Adds the function to the table on top. */
void bind_open_line(lua_State *L);

#endif
