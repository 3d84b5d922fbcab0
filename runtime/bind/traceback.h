/* Tracebacks and lines, which are of the script: they end where a child's own work began.
 */
#ifndef MC_BIND_TRACEBACK_H
#define MC_BIND_TRACEBACK_H

#include <lua.h>

/* In a forked child: the frames that are there now are the parent's, and no part of what
 * a person is shown. */
void bind_traceback_base(lua_State *L);

/* Pushes onto L the traceback of the thread `of` from `level` on, which ends at the
 * task's own function. A long one has both its ends. */
void bind_push_traceback(lua_State *L, lua_State *of, int level);

/* Pushes the line, "file.lua:12: ", of the innermost function in Lua that is not of
 * lua/mooncrew; "" when there is none. */
void bind_push_where(lua_State *L);

#endif
