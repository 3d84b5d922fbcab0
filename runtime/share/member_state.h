/* The words that say who is there; see member.c. */
#ifndef MC_SHARE_MEMBER_STATE_H
#define MC_SHARE_MEMBER_STATE_H

#include "os/futex.h"
#include "share/layout.h"

static inline uint64_t mc_member_pack(struct mc_member member) {
  return (uint64_t)member.generation << 32 | member.slot;
}

static inline struct mc_member mc_member_unpack(uint64_t packed) {
  return (struct mc_member){(uint32_t)packed, (uint32_t)(packed >> 32)};
}

static inline uint32_t mc_life_reserved(uint32_t generation) {
  return MC_LIFE_RESERVED | (generation & (MC_LIFE_RESERVED - 1));
}

/* A reserved slot whose child will not come becomes a dead one. false: the child was
 * faster. */
static inline bool mc_life_end_reserved(struct mc_slot *slot, uint32_t generation) {
  uint32_t reserved = mc_life_reserved(generation);
  return __atomic_compare_exchange_n(&slot->life.word, &reserved, MC_FUTEX_DIED, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* The first member of a new space: a reserved seat without a parent. 0 or MC_NOMEM. */
int mc_member_first(struct mc_member *member);

/* Under the members lock. */
void mc_seat_free(uint32_t index);

/* The set of members changed: wakes the watcher. */
void mc_census_bump(void);

/* The same, when somebody is about to sit there: the watcher is let sleep when it watches
 * that seat already, whoever sits there. */
void mc_census_bump_for(uint32_t index);

#endif
