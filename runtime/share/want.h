/* What can be waited for: how to see that it is there, and in which mask to wait. */
#ifndef MC_SHARE_WANT_H
#define MC_SHARE_WANT_H

#include "share/layout.h"
#include "share/wait.h"

/* What was waited for is there, as far as can be seen without a lock. */
bool mc_want_is_ready(const struct mc_wait_for *wait);

struct mc_mask *mc_want_mask(const struct mc_wait_for *wait);

/* Clears a dead member's bits in all masks of an object that it waited for. */
void mc_want_forget(mc_ref object, uint32_t slot);

#endif
