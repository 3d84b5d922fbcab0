/* Semaphores. Permits of processes that die or end come back, since the semaphore knows
 * who has how many; one that is made with no permit and no bound is for signalling: there
 * a permit says that something happened, and who took it keeps it. */
#ifndef MC_SHARE_SEMAPHORE_H
#define MC_SHARE_SEMAPHORE_H

#include "share/space.h"

/* bounded: never more than n permits. 0 or MC_NOMEM. */
int mc_semaphore_create(uint64_t n, bool bounded, mc_ref *semaphore);

/* Takes a permit: 0, MC_BUSY (there is none) or MC_NOMEM (for the note who has it). To
 * wait: MC_PERMIT. */
int mc_semaphore_try(mc_ref semaphore);

/* Gives n permits back: the caller's own first, then those of others. 0, or MC_TOOMANY
 * (bounded: it would have more than its bound); then nothing has changed. One permit is
 * given back whole or not, whenever the caller dies; n are n times one. */
int mc_semaphore_release(mc_ref semaphore, uint64_t n);

/* Permits that can be taken now, those of the dead included. */
uint64_t mc_semaphore_value(mc_ref semaphore);

#endif
