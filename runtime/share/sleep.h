/* What mc_wait and the bell of an event loop have in common. */
#ifndef MC_SHARE_SLEEP_H
#define MC_SHARE_SLEEP_H

#include "share/layout.h"
#include "share/wait.h"

/* true when one of the n is ready, or this member's bell was rung since the last wait
 * ended. */
bool mc_anything_new(const struct mc_wait_for *list, size_t n);

/* Notes the objects in the slot from place `first` on, and sets this member's bit in each
 * of their masks. */
void mc_bits_set(const struct mc_wait_for *list, size_t n, uint32_t first);

/* What becomes of the wake-up for an object that is ready. */
enum mc_woken {
  MC_TAKES,     /* this member takes */
  MC_PASSES_ON, /* another one is woken now */
  MC_OWES,      /* another one is woken when this member next waits */
};

/* Clears the bits; where a waker had cleared one already, it was for this member. */
void mc_bits_clear(const struct mc_wait_for *list, size_t n, uint32_t first,
                   enum mc_woken woken);

/* This member is about to wait: others are woken for what it has not taken. */
void mc_owed_pass_on(void);

/* From now on this member is to be rung, and is not counted as awake. Who sleeps keeps no
 * memory that others wait for. */
void mc_bell_sleep(enum mc_sleep how);

/* In a forked child: what its parent holds for the loop that it sleeps in is dropped. */
void mc_bell_forget(void);

/* The wait is over: what was rung up to now is known. */
void mc_bell_note(void);

/* The watcher is dead or was never there: this process reaps by itself. */
void mc_reap_without_watcher(void);

#endif
