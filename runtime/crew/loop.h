/* The libuv loop of this process: one, made when first asked for.
 *
 * A forked child never touches its parent's loop: it forgets it and gets a fresh one when
 * it asks. One thread of a process uses the loop. */
#ifndef MC_CREW_LOOP_H
#define MC_CREW_LOOP_H

#include "os/clock.h"
#include "share/wait.h"

#include <stdbool.h>
#include <uv.h>

/* The process's loop; NULL when there is no memory or no descriptor left for it, `*error`
 * then says which (a negated errno). `error` may be NULL. */
uv_loop_t *mc_loop(int *error);

/* The same, NULL when nobody has asked for a loop yet. */
uv_loop_t *mc_loop_if_made(void);

/* true when something is going on in the loop: a handle or a request that is not ours. */
bool mc_loop_is_busy(void);

/* One turn: sleeps in the loop until a callback ran, one of the n objects may be ready,
 * this member's bell was rung, mc_loop_interrupt() was called, or the deadline passed.
 * `ready` (may be NULL) is asked before the sleep, behind the callbacks of timers: when
 * it says true there is none. Call mc_loop_turned() with the same list, which must stay
 * until then, and mc_bell_settle() once what is ready was taken. 0 or a negated errno. */
int mc_loop_turn(const struct mc_wait_for *list, size_t n, mc_time deadline,
                 bool (*ready)(void));
void mc_loop_turned(const struct mc_wait_for *list, size_t n);

/* Runs the callbacks that are due, without sleeping. */
void mc_loop_run_pending(void);

/* Makes a turn that sleeps return soon. Async-signal-safe. */
void mc_loop_interrupt(void);

/* In a forked child, before anything else of libuv: lets go of the parent's loop. */
void mc_loop_forget(void);

/* Closes what is ours in the loop and the loop itself when nothing else is in it. */
void mc_loop_close(void);

#endif
