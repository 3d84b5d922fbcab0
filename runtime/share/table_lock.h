/* The pool of locks that tables use: which one guards what. */
#ifndef MC_SHARE_TABLE_LOCK_H
#define MC_SHARE_TABLE_LOCK_H

#include "share/lock.h"

static inline uint32_t mc_table_spread(const void *table) {
  return mc_ref_of(table) * 0x9e3779b1u;
}

/* The lock of part `n` of a table; neighbours have different locks. */
static inline struct mc_robust *mc_table_lock(const void *table, uint32_t n) {
  uint32_t i = (mc_table_spread(table) >> 22) + n;
  return &mc_space->table_locks[i % MC_TABLE_LOCKS].lock;
}

/* The lock under which a table is changed as a whole. */
static inline struct mc_robust *mc_update_lock(const void *table) {
  return &mc_space->update_locks[mc_table_spread(table) >> 28].lock;
}

#endif
