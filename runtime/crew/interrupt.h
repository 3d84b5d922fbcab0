/* Ctrl-C on its way from a signal handler of the host to the place where Lua can raise
 * it. */
#ifndef MC_CREW_INTERRUPT_H
#define MC_CREW_INTERRUPT_H

#include <stdbool.h>

/* Notes an interrupt and makes what sleeps return, loop or wait. Async-signal-safe. */
void mc_interrupt(void);

/* true once after each interrupt: who gets it raises it. */
bool mc_interrupt_take(void);

#endif
