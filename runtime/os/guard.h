/* A mutex with a condition, for code that runs in the threads of a host. */
#ifndef MC_OS_GUARD_H
#define MC_OS_GUARD_H

#include "os/clock.h"

#include <pthread.h>
#include <stdbool.h>

struct mc_guard {
  pthread_mutex_t mutex;
  pthread_cond_t changed; /* on the monotonic clock */
};

/* 0 or a negated errno. */
int mc_guard_init(struct mc_guard *guard);
void mc_guard_destroy(struct mc_guard *guard);

void mc_guard_lock(struct mc_guard *guard);
void mc_guard_unlock(struct mc_guard *guard);

/* Unlocks, waits for mc_guard_wake() or the deadline, and locks again. May return early.
 */
void mc_guard_wait(struct mc_guard *guard, mc_time deadline);
void mc_guard_wake(struct mc_guard *guard); /* all who wait */

/* The calling thread can't be cancelled until mc_cancel_restore() with what this returns:
 * a cancelled thread would leave its locks behind. */
int mc_cancel_off(void);
void mc_cancel_restore(int state);

#endif
