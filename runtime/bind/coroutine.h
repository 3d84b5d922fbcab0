/* coroutine.resume and coroutine.wrap that a waiting task passes through, a
 * coroutine.yield that a task is cancelled at, and a coroutine.close that leaves such a
 * coroutine alone.
 *
 * A wait inside a plain coroutine inside a task suspends the whole task: the yield that
 * means "waiting" is handed on by each resume up to the task, and comes back down the
 * same way. The coroutine's own yields stay its own. Outside a task all behave as Lua's
 * do. */
#ifndef MC_BIND_COROUTINE_H
#define MC_BIND_COROUTINE_H

#include <lua.h>

/* Replaces the functions in the state's coroutine table. */
void bind_open_coroutine(lua_State *L);

#endif
