/* Locks that programs hold: as long as they like, while they run code of their own.
 *
 * Not one of the core's locks, but an object that says who has it: a process and one of
 * its tasks. A holder that dies or ends loses it, and the next one to take it is told. */
#ifndef MC_SHARE_MUTEX_H
#define MC_SHARE_MUTEX_H

#include "share/space.h"

/* reentrant: its holder may take it again. 0 or MC_NOMEM. */
int mc_mutex_create(bool reentrant, mc_ref *mutex);

#define MC_TAKEN     1
#define MC_ABANDONED 2 /* taken, and the former holder died with it */

/* Takes it `depth` times (1 unless reentrant) for `task` of this process. MC_TAKEN,
 * MC_ABANDONED, MC_BUSY, or MC_DEADLOCK (not reentrant, and `task` has it already). To
 * wait: MC_UNLOCKED. */
int mc_mutex_try(mc_ref mutex, uint64_t task, uint32_t depth);

/* Gives it back `depth` times and wakes one who waits when it is free then. `own`: only
 * its holder may; always so for a reentrant one. 0, MC_NOTHELD, MC_NOTOWNER. */
int mc_mutex_release(mc_ref mutex, uint64_t task, bool own, uint32_t depth);

/* How often `task` of this process has it. */
uint32_t mc_mutex_depth(mc_ref mutex, uint64_t task);

/* Somebody alive has it. */
bool mc_mutex_locked(mc_ref mutex);

#endif
