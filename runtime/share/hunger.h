/* Who waits for memory. */
#ifndef MC_SHARE_HUNGER_H
#define MC_SHARE_HUNGER_H

#include "share/layout.h"

/* Memory was given back where everybody can take it: counts it and wakes one who waits.
 */
void mc_memory_given(void);

/* An allocation failed. */
static inline void mc_memory_scarce(void) {
  __atomic_store_n(&mc_space->scarce, 1, __ATOMIC_SEQ_CST);
}

/* true while memory is scarce: then what is freed is not kept in magazines. */
static inline bool mc_memory_is_scarce(void) {
  return __atomic_load_n(&mc_space->scarce, __ATOMIC_RELAXED) != 0;
}

#endif
