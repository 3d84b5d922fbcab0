/* Participants ("members") of the space: one slot for each process that uses it.
 *
 * A member holds its life lock from birth. The kernel marks that lock when the process
 * dies, in whatever way; whoever watches then reaps the slot: recovers the locks that the
 * dead one held, returns its leases, gives back its memory and drops its holds on
 * objects. A process that ends in order leaves by itself and needs no reaping.
 *
 * Only one thread of a process may touch the space: the one that created or adopted. */
#ifndef MC_SHARE_MEMBER_H
#define MC_SHARE_MEMBER_H

#include "share/space.h"

#include <sys/types.h>

#define MC_MEMBERS 2048 /* slots in a space */

/* Who: a slot and which of its tenants. Safe against reuse of the slot. */
struct mc_member {
  uint32_t slot;
  uint32_t generation;
};

/* Parent, before the fork: takes a free slot for the child and gives it a hold on each
 * object that the caller holds, so that nothing the child inherits can vanish before it
 * runs. 0, MC_NOSLOT or MC_NOMEM. */
int mc_member_reserve(struct mc_member *member);

/* Parent: the fork failed; gives the slot back. */
void mc_member_cancel(struct mc_member member);

/* Child, after the fork: becomes that member and drops the parent's identity, without
 * touching the parent's slot. MC_STALE when the parent died meanwhile and the slot was
 * reaped: the child must _exit. */
int mc_member_adopt(struct mc_member member);

/* Gives back everything this process has in the space and frees the slot; wakes everybody
 * who waits for a death. The process may not touch the space afterwards. */
void mc_member_leave(void);

/* The same, just before _exit: its own memory is left to the kernel. */
void mc_member_leave_to_exit(void);

struct mc_member mc_member_self(void);

/* true when that member has died (or is marked as dying by the kernel) or has left. */
bool mc_member_gone(struct mc_member member);

/* true once the child has become that member (or is gone): from then on its death rings
 * bells. */
bool mc_member_adopted(struct mc_member member);

/* true while the child is that member: adopted and not gone. Not so, it may be a zombie.
 */
bool mc_member_alive(struct mc_member member);

/* Reaps every dead member; callable by any member at any time, safe beside others.
 * Returns how many were reaped. On any death every sleeper's bell is rung. */
int mc_members_reap(void);

/* The body of the watcher process: sleeps until a member dies or the set of members
 * changes, reaps, and goes on; returns (0) only when `member` (the main process) is gone,
 * else an error. */
int mc_members_watch(struct mc_member main);

/* Tells the space which member is the watcher. Sleepers look once a second whether it
 * lives and reap by themselves when it does not. */
void mc_members_set_watcher(struct mc_member watcher);

/* Rings one member's bell: its mc_wait() returns. */
void mc_member_ring(struct mc_member member);

#endif
