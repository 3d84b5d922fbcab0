/* Ctrl-C: SIGINT becomes the Lua error `interrupted!` in the main chunk. */
#ifndef MC_HOST_INTERRUPT_H
#define MC_HOST_INTERRUPT_H

#include <lua.h>
#include <stdbool.h>

/* From here to interrupt_disarm(), SIGINT raises in L, the main state. Main thread only.
 */
void interrupt_arm(lua_State *L);

/* SIGINT has its default action again. An interrupt that was not raised yet is still to
 * come. */
void interrupt_disarm(void);

/* Drops an interrupt that was not raised yet. true: there was one. */
bool interrupt_drop(lua_State *L);

/* Is the value at `index` the error that a Ctrl-C raised? It may have a position in
 * front. */
bool interrupt_is_error(lua_State *L, int index);

#endif
