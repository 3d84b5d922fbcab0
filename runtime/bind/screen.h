/* Bars at the lower end of a terminal, as lua/mooncrew/progress.lua uses them. */
#ifndef MC_BIND_SCREEN_H
#define MC_BIND_SCREEN_H

#include <lua.h>

/* In a child: what it writes to a terminal goes above the bars there. */
void bind_screen_begin(lua_State *L);

/* Adds the functions to the table on top. */
void bind_open_screen(lua_State *L);

#endif
