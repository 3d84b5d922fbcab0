/* Ctrl-C and SIGTERM on their way from a signal handler of the host to the place where
 * Lua can raise them. */
#ifndef MC_CREW_INTERRUPT_H
#define MC_CREW_INTERRUPT_H

#include <stdbool.h>
#include <stddef.h>

enum mc_interruption {
  MC_NO_INTERRUPTION,
  MC_CTRL_C,
  MC_TERMINATION, /* SIGTERM */
};

/* Notes it and makes what sleeps return, loop or wait. Async-signal-safe. */
void mc_interrupt(enum mc_interruption what);

/* What has come, once after each: who gets it raises it. */
enum mc_interruption mc_interrupt_take(void);

/* The error that is raised for it: "interrupted!", say. */
const char *mc_interrupt_text(enum mc_interruption what);

/* Which of these errors the message is, which may have a position in front. */
enum mc_interruption mc_interrupt_of(const char *message, size_t length);

/* While it is held, only waits take and raise it, no other step of Lua: for bookkeeping
 * that must not break off in the middle. Whether it was held before. */
bool mc_interrupt_hold(bool hold);
bool mc_interrupt_is_held(void);

/* From now on (or until false) a signal is to end the process at once: it is ending its
 * children because of the first. Whoever handles signals asks. */
void mc_interrupt_set_deadly(bool deadly);
bool mc_interrupt_is_deadly(void);

#endif
