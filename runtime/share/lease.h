/* The slot's table of messages in hand. */
#ifndef MC_SHARE_LEASE_H
#define MC_SHARE_LEASE_H

#include "share/layout.h"
#include "share/local.h"

/* How many leases could still be had. */
static inline uint32_t mc_leases_free(void) {
  return mc_local->n_free_leases;
}

/* A free place of the table; mc_leases_free() > 0 before. */
static inline uint32_t mc_lease_place(void) {
  uint32_t i = 0;
  while (mc_local->free_leases[i] == 0)
    i++;
  uint32_t bit = (uint32_t)__builtin_ctzll(mc_local->free_leases[i]);
  mc_local->free_leases[i] &= mc_local->free_leases[i] - 1;
  mc_local->n_free_leases--;
  return i * 64 + bit;
}

/* The place is free again, and empty; an object that waited for its last lease goes. */
void mc_lease_forget(uint32_t place, mc_ref queue);

/* The caller lets go of the queue: leases on it that are kept go back. */
void mc_leases_give_up(mc_ref queue);

/* Fills in what the caller gets to see of the message at the place. */
void mc_lease_show(struct mc_lease *lease, uint32_t place);

/* true when the caller has a message of that queue in hand. */
bool mc_leases_of(mc_ref queue);

/* Gives a lease in `*place`, the caller's or a victim's, back to the head of its queue.
 */
void mc_lease_put_back(mc_ref *place);

/* Gives it to the dead letters of its queue; `who` died with it, unless someone did
 * before. */
void mc_lease_bury(mc_ref *place, struct mc_member who, pid_t pid);

#endif
