/* Bars at the lower end of a terminal, as lua/mooncrew/progress.lua uses them.
 *
 * Streams are taken over where bars may come: in a child at its begin, in the command
 * before its first fork, as each child may show one; in a host, whose streams are not
 * ours, only for a bar of its own. */
#ifndef MC_BIND_SCREEN_H
#define MC_BIND_SCREEN_H

#include <lua.h>

/* In a child: what it writes to a terminal goes above the bars there. */
void bind_screen_begin(lua_State *L);

/* For the command: its streams are the program's own. */
void bind_screen_mine(void);

/* Before a fork. */
void bind_screen_fork(lua_State *L);

/* Adds the functions to the table on top. */
void bind_open_screen(lua_State *L);

#endif
