/* Sleeping until something in the space may have happened.
 *
 * A sleeper sets its bit in the wait mask of each object that it waits for, looks again,
 * and sleeps on its own doorbell. A waker clears one bit and rings that bell; no system
 * call when nobody sleeps. On any death and any leave every bell is rung, so a wait may
 * return early: every caller looks again. */
#ifndef MC_SHARE_WAIT_H
#define MC_SHARE_WAIT_H

#include "os/clock.h"
#include "share/space.h"

enum mc_want {
  MC_READABLE, /* the queue has an item or is closed; dead letters do not count */
  MC_WRITABLE, /* the queue has room or is closed */
  MC_MEMORY,   /* shared memory was given back (object is 0) */
  MC_DONE,     /* all messages of the queue are marked done */
  MC_UNLOCKED, /* the lock is free, or its holder is dead; nobody acts in the barrier */
  MC_PERMIT,   /* the semaphore has a permit */
  MC_SET,      /* the event is set, or was set since: see mc_want_since() */
  MC_WANTS,
};

struct mc_wait_for {
  mc_ref object;
  uint32_t want; /* enum mc_want in the lowest byte */
};

/* MC_SET, where an event that was set after mc_event_sets() gave `sets` is as good as one
 * that is set. */
static inline uint32_t mc_want_since(enum mc_want want, uint32_t sets) {
  return (uint32_t)want | sets << 8;
}

/* Spins briefly, then sleeps, until one of the n may be ready, somebody died or left, or
 * this member's bell was rung. n may be 0. 0: look again. MC_TIMEOUT: the deadline passed
 * and none is ready. MC_INTERRUPTED: a signal was handled. A caller that gets 0 with n ==
 * 1 must try to take what it waited for: the wake-up was meant for it alone. */
int mc_wait(const struct mc_wait_for *list, size_t n, mc_time deadline);

/* The same for callers that may take from any of the n afterwards, and need not: a
 * wake-up that came to nothing is passed on when this member next waits. */
int mc_wait_claim(const struct mc_wait_for *list, size_t n, mc_time deadline);

/* Ends this thread's mc_wait() with MC_INTERRUPTED: the one that sleeps now, or else the
 * next that does not time out at once. Async-signal-safe, and meant for signal handlers:
 * however the signal falls, no wait sleeps over it. */
void mc_wait_interrupt(void);

/* For a process that sleeps in an event loop instead: */

/* A descriptor that becomes readable when the bell of an armed member is rung; made at
 * the first call, owned by the space, closed at leave. A descriptor or a negative errno.
 */
int mc_bell_fd(void);

/* Opens all descriptors that this member will ever need, its bell among them: before
 * their number is limited. 0 or a negative errno. */
int mc_bells_open(void);

/* Sets the bits of all n and marks this member as asleep in its loop. true: armed, sleep
 * on the descriptor, then call mc_bell_disarm with the same list, which must stay until
 * then; so do the objects, whoever lets go of them meanwhile. One that was armed before
 * is not any more. false: something is ready already, or there is no memory to hold an
 * object; nothing is armed. */
bool mc_bell_arm(const struct mc_wait_for *list, size_t n);

/* Clears the bits and drains the descriptor. */
void mc_bell_disarm(const struct mc_wait_for *list, size_t n);

/* After taking what was ready: where this member was the one woken and has left
 * something, another sleeper is woken. Else that is done when this member next waits. */
void mc_bell_settle(void);

#endif
