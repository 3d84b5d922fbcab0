/* What comes before a sleep: a look for a little while. */
#ifndef MC_SHARE_SPIN_H
#define MC_SHARE_SPIN_H

#include "share/wait.h"

/* Waits until one of the n is ready, the bell is rung or the deadline has passed, but
 * only for so long as that is likely to cost less than a sleep. true: something is new.
 */
bool mc_spin(const struct mc_wait_for *list, size_t n, mc_time now, mc_time deadline);

/* A sleep for these is over, which took so long; with or without what it was for. */
void mc_spin_slept(const struct mc_wait_for *list, size_t n, mc_time took, bool found);

#endif
