/* The interactive prompt. */
#ifndef MC_HOST_PROMPT_H
#define MC_HOST_PROMPT_H

#include <lua.h>

/* Reads, runs and prints until the end of the input. The stack is empty afterwards.
 * Raises only what a __tostring of _PROMPT raises, and for want of memory. */
void prompt_run(lua_State *L);

#endif
