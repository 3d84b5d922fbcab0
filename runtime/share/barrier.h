/* Barriers: all wait until as many have come as there are parties.
 *
 *   enter ─► first ones: wait until the phase has passed ─► leave
 *        └─► the last one: opens it, or acts first and opens it then
 *
 * A phase passes when the barrier opens or breaks: one that has come dies, gives up or
 * acts and dies; or somebody breaks it. A broken one lets nobody in until it is reset.
 * Who waits needs no object to watch: it is rung when its phase has passed. */
#ifndef MC_SHARE_BARRIER_H
#define MC_SHARE_BARRIER_H

#include "share/space.h"

/* action: an object that goes with it, or 0; then the last one does not act.
 * 0 or MC_NOMEM. */
int mc_barrier_create(uint32_t parties, mc_ref action, mc_ref *barrier);

/* What one who has come knows. */
struct mc_arrival {
  uint64_t phase;
  uint32_t ticket;
  uint32_t index; /* 1: the first one; parties: the last one */
};

#define MC_BARRIER_SHUT 0
#define MC_BARRIER_OPEN 1
#define MC_BARRIER_ACT  2

/* MC_BARRIER_SHUT, MC_BARRIER_OPEN (it was the last one, and all may go on),
 * MC_BARRIER_ACT (it was the last one, and calls mc_barrier_open afterwards), MC_BROKEN,
 * MC_NOMEM, or MC_BUSY: the last one of the phase before still acts; to wait for that:
 * MC_UNLOCKED. */
int mc_barrier_enter(mc_ref barrier, struct mc_arrival *arrival);

/* MC_BARRIER_SHUT, MC_BARRIER_OPEN or MC_BROKEN. Finds out about deaths by the way. */
int mc_barrier_state(mc_ref barrier, const struct mc_arrival *arrival);

/* Every MC_BARRIER_SHUT is followed by this one. Who leaves before the phase has passed
 * breaks the barrier, and gets MC_BARRIER_SHUT; else as mc_barrier_state. */
int mc_barrier_leave(mc_ref barrier, const struct mc_arrival *arrival);

/* It has acted. MC_BARRIER_OPEN, or MC_BROKEN: it was broken or reset meanwhile. */
int mc_barrier_open(mc_ref barrier, const struct mc_arrival *arrival);

/* Nobody acts now. */
bool mc_barrier_quiet(mc_ref barrier);

void mc_barrier_break(mc_ref barrier);

/* As new; the phase of those who wait breaks. */
void mc_barrier_reset(mc_ref barrier);

uint32_t mc_barrier_parties(mc_ref barrier);
uint32_t mc_barrier_waiting(mc_ref barrier);
bool mc_barrier_broken(mc_ref barrier);
mc_ref mc_barrier_action(mc_ref barrier); /* 0: none */

#endif
