/* `require "luv"`: all of libuv for scripts, on the loop that the tasks use. */
#ifndef MC_BIND_LUV_H
#define MC_BIND_LUV_H

#include <lua.h>

/* The loader for package.preload. */
int bind_open_luv(lua_State *L);

/* In a forked child: gives luv the child's own loop, when it was loaded before the fork.
 */
void bind_luv_forked(lua_State *L);

#endif
