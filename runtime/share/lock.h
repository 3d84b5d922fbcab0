/* The lock of the space: a futex on the robust list, so it is free again when its holder
 * dies.
 *
 * Who takes it next undoes or completes what the dead one had half done (recover.c)
 * before it gets in; so code under a lock never sees a half-done state. Held for short
 * work only: no system call but the allocator's, and never across a call to anything
 * outside this layer. */
#ifndef MC_SHARE_LOCK_H
#define MC_SHARE_LOCK_H

#include "os/futex.h"
#include "share/layout.h"

/* A lock that nobody holds. */
void mc_lock_init(struct mc_robust *lock, enum mc_lock_kind kind, mc_ref object);

void mc_lock_take_slow(struct mc_robust *lock);
void mc_lock_wake(struct mc_robust *lock);

/* Undoes or completes what `dead` did under the lock; see recover.c. Safe to run again.
 */
void mc_recover(struct mc_robust *lock, struct mc_slot *dead);

/* Takes and releases each lock but the members' that is noted as held by a dead member,
 * so that all of them are recovered, and rolls back its private section. */
void mc_recover_held(struct mc_slot *dead);

static inline void mc_lock(struct mc_robust *lock) {
  struct mc_slot *self = mc_self;
  self->held[self->n_held] = mc_offset_of(lock);
  mc_order();
  self->n_held++;
  mc_robust_pending(lock);
  uint32_t free = 0;
  if (__builtin_expect(!__atomic_compare_exchange_n(&lock->word, &free,
                                                    mc_robust_thread.tid, false,
                                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED),
                       0))
    mc_lock_take_slow(lock);
  mc_robust_link(lock);
  mc_robust_pending(NULL);
  if (__builtin_expect(lock->owner != 0, 0))
    mc_recover(lock, mc_slot(lock->owner - 1));
  mc_order();
  lock->owner = mc_slot_index(self) + 1;
  mc_order();
}

/* The slot is not touched after the word is released: a member that leaves gives its slot
 * away inside its last section. */
static inline void mc_unlock(struct mc_robust *lock) {
  struct mc_slot *self = mc_self;
  mc_order();
  lock->owner = 0;
  mc_order();
  self->held[--self->n_held] = 0;
  mc_robust_pending(lock);
  mc_robust_unlink(lock);
  mc_order();
  /* A full barrier too: a wake-up that follows must see sleepers that came before. */
  uint32_t old = __atomic_exchange_n(&lock->word, 0, __ATOMIC_SEQ_CST);
  if (__builtin_expect((old & MC_FUTEX_WAITERS) != 0, 0))
    mc_lock_wake(lock);
  mc_robust_pending(NULL);
}

#endif
