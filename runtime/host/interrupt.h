/* Ctrl-C and SIGTERM: Lua errors in the main chunk. */
#ifndef MC_HOST_INTERRUPT_H
#define MC_HOST_INTERRUPT_H

#include "crew/interrupt.h"

#include <lua.h>
#include <stdbool.h>

/* From here to interrupt_disarm(), SIGINT raises in L, the main state; SIGTERM too, when
 * that is asked for, its action was the default one, and it has not come yet. Main thread
 * only. */
void interrupt_arm(lua_State *L, bool sigterm);

/* The signals have their default action again. An interrupt that was not raised yet is
 * still to come. */
void interrupt_disarm(void);

/* Drops an interrupt that was not raised yet, and says which. */
enum mc_interruption interrupt_drop(lua_State *L);

/* Which signal raised the error value at `index`, if one did. */
enum mc_interruption interrupt_of_error(lua_State *L, int index);

#endif
