/* Wait masks and doorbells.
 *
 * Sleeper: sets its bit, looks again, sleeps on its bell.  Waker: changes the object,
 * then clears one bit and rings that bell. Both steps are separated by full barriers, so
 * one of the two sees the other. A waker that dies in between is covered by the ring that
 * follows every death. */
#ifndef MC_SHARE_WAKE_H
#define MC_SHARE_WAKE_H

#include "share/layout.h"

void mc_mask_set(struct mc_mask *mask, uint32_t slot);

/* true when the bit was still there; false: a waker has cleared it. */
bool mc_mask_clear(struct mc_mask *mask, uint32_t slot);

/* The one at that slot, whose bit is set, is awake and looks: it is to be woken first. */
static inline void mc_mask_look(struct mc_mask *mask, uint32_t slot) {
  __atomic_store_n(&mask->looker, slot + 1, __ATOMIC_RELAXED);
}

void mc_wake_some(struct mc_mask *mask, uint64_t n);

/* Wakes up to n sleepers. To be called after an unlock or another full barrier. */
static inline void mc_wake(struct mc_mask *mask, uint64_t n) {
  if (__builtin_expect(__atomic_load_n(&mask->summary, __ATOMIC_SEQ_CST) != 0, 0))
    mc_wake_some(mask, n);
}

/* What a member's bell is called: by its generation too, for the descriptors of one that
 * is dead may be open yet when another sits in its slot. */
static inline uint64_t mc_bell_number(const struct mc_slot *slot) {
  uint32_t index = mc_slot_index(slot);
  uint64_t seat = __atomic_load_n(&mc_space->seats[index], __ATOMIC_RELAXED);
  return (seat & ~(uint64_t)UINT32_MAX) | index;
}

void mc_ring(struct mc_slot *slot);
void mc_ring_all(void);

/* Rings everybody who sleeps, but for the caller. */
void mc_ring_sleepers(void);

/* The hint of how many are awake; see wait.c. */
void mc_awake_count(struct mc_slot *slot, bool awake);

#endif
