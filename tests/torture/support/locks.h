/* Kill tests of locks, semaphores, events, conditions and barriers. */
#ifndef TORTURE_LOCKS_H
#define TORTURE_LOCKS_H

#include "torture/support/scenario.h"

extern mc_ref the_sync; /* the object of the scenario */

/* queues[0], which every check needs, and the object. */
void setup_lock(void);
void setup_rlock(void);
void setup_semaphore(void); /* bounded, 2 permits */
void setup_event(void);
void setup_condition(void);
void setup_barrier(void); /* 2 parties */

/* A member that did fn() and was killed, and nobody has reaped it. */
void die_after(void (*fn)(void));

/* The operation of the first victim, or of the second one, returned. */
bool victim_was_done(void);

extern const struct scenario lock_scenarios[];
extern const size_t n_lock_scenarios;
extern const struct scenario lock_once_scenarios[]; /* to be done by one alone */
extern const size_t n_lock_once_scenarios;
extern const struct scenario condition_scenarios[]; /* and barriers */
extern const size_t n_condition_scenarios;
extern const struct scenario lock_sleep_scenarios[]; /* for kill_watched */
extern const size_t n_lock_sleep_scenarios;
extern const struct scenario lock_woken_scenarios[]; /* for kill_woken */
extern const size_t n_lock_woken_scenarios;

#endif
