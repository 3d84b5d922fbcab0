/* Transactions of a few words: all stores between begin and commit happen, or none,
 * whenever the process dies.
 *
 * Each store is logged with what was there before; the commit is one store that empties
 * the log. What is logged must be guarded by the lock named at the beginning (its next
 * holder rolls back) or be the member's own (NULL: the reaper rolls back). Sections do
 * not nest. */
#ifndef MC_SHARE_UNDO_H
#define MC_SHARE_UNDO_H

#include "share/layout.h"

static inline void mc_undo_begin(const struct mc_robust *lock) {
  mc_self->undo.lock = lock ? mc_offset_of(lock) : 0;
  mc_order();
}

static inline void mc_undo_log(const void *where, uint64_t old, uint64_t narrow) {
  struct mc_undo *undo = &mc_self->undo;
  uint64_t n = undo->n;
  undo->entry[n].where = mc_offset_of(where) << 1 | narrow;
  undo->entry[n].old = old;
  mc_order();
  undo->n = n + 1;
  mc_order();
}

static inline void mc_set32(uint32_t *word, uint32_t value) {
  mc_undo_log(word, *word, 1);
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void mc_set64(uint64_t *word, uint64_t value) {
  mc_undo_log(word, *word, 0);
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void mc_undo_commit(void) {
  mc_order();
  mc_self->undo.n = 0;
  mc_order();
}

/* Rolls back what a dead member logged. Safe to run again after a death in the middle. */
void mc_undo_roll_back(struct mc_undo *undo);

#endif
