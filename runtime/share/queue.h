/* A first-in first-out queue of messages of any size, for any number of producers and
 * consumers.
 *
 * A put is there once it returned, whatever happens to the process afterwards; a process
 * that dies inside a put has put all or nothing. A take is a lease: the block stays the
 * taker's until it is settled, and comes back to the queue (oldest first, at the head)
 * when the taker dies. */
#ifndef MC_SHARE_QUEUE_H
#define MC_SHARE_QUEUE_H

#include "os/clock.h"
#include "share/member.h"
#include "share/space.h"

/* What becomes of a lease whose holder dies. */
enum mc_on_death {
  MC_RETURN,    /* back to the head of the queue */
  MC_BURY,      /* to the queue's dead letters, with who died: mc_queue_take_dead() */
  MC_REDELIVER, /* as MC_RETURN, and getters keep their leases: mc_lease_keep() */
};

struct mc_queue_options {
  uint64_t maxsize; /* items; 0: bounded by memory alone */
  enum mc_on_death on_death;
};

struct mc_message {
  const void *bytes;
  size_t length;
  const mc_ref *handles; /* objects that the bytes refer to; kept alive by the message */
  uint32_t n_handles;
  const void *tail; /* more bytes, behind the others; a queue's messages only */
  size_t tail_length;
};

struct mc_lease {
  const unsigned char *bytes; /* in the space; valid until settled or returned */
  size_t length;
  const mc_ref *handles;
  uint32_t n_handles;
  uint32_t index; /* its place in this member's table of leases */
};

#define MC_LEASES 256 /* at most so many leases in hand at a time */

/* Makes a queue, held once by this process. 0 or MC_NOMEM. */
int mc_queue_create(const struct mc_queue_options *options, mc_ref *queue);

/* Puts as many of the n messages as there is room for, in order, with one commit.
 * How many (>= 1), or MC_FULL, MC_CLOSED, MC_NOMEM (no memory now), MC_TOOBIG (a message
 * that can never fit). On failure nothing was put and nothing is kept. */
int mc_queue_try_put(mc_ref queue, const struct mc_message *messages, size_t n);

/* The same, but waits for room until the deadline and goes on until all are in. How many
 * went in when that is at least one; else MC_FULL (deadline passed), MC_CLOSED, MC_NOMEM
 * (deadline passed for want of memory), MC_TOOBIG or MC_INTERRUPTED. */
int mc_queue_put(mc_ref queue, const struct mc_message *messages, size_t n,
                 mc_time deadline);

/* Takes up to n messages that are there. How many (>= 1), or MC_EMPTY, MC_CLOSED (closed
 * and drained), MC_NOSLOT (this member has MC_LEASES in hand already). */
int mc_queue_try_take(mc_ref queue, struct mc_lease *leases, size_t n);

/* Waits for the first message until the deadline, then takes up to n. As try_take, or
 * MC_EMPTY when the deadline passed, or MC_INTERRUPTED. */
int mc_queue_take(mc_ref queue, struct mc_lease *leases, size_t n, mc_time deadline);

/* The message was dealt with: frees it. Cannot fail. */
void mc_lease_settle(const struct mc_lease *lease);

/* The lease stays in hand until a mc_queue_task_done(). */
void mc_lease_keep(const struct mc_lease *lease, uint64_t task);

/* Settles a message that nobody will mark done, as one that is. */
void mc_lease_finish(const struct mc_lease *lease);

/* leases that a member may keep; the rest is for other queues */
#define MC_KEPT_MAX 192

/* How many leases the caller keeps, of all queues. */
uint32_t mc_leases_kept(void);

/* One message that was taken is dealt with. In a queue that redelivers the caller settles
 * the lease that it has kept for the longest time, one of `task` if there is one.
 * 0 or MC_TOOMANY: all that were taken (redeliver: that the caller has) are done. */
int mc_queue_task_done(mc_ref queue, uint64_t task);

/* Messages that were put and not marked done; one that somebody is about to mark, and
 * dies in it, may be back afterwards. */
uint64_t mc_queue_unfinished(mc_ref queue);

/* Whether all messages that were put are marked done for good. */
bool mc_queue_all_done(mc_ref queue);

/* How the queue was made. */
enum mc_on_death mc_queue_on_death(mc_ref queue);

/* Puts the message back to the head of its queue. Cannot fail. */
void mc_lease_return(const struct mc_lease *lease);

/* Takes one dead letter of an MC_BURY queue as a lease of the caller. 1, or MC_EMPTY.
 * `who`, when not NULL, gets the member that died with it and `pid` its process. */
int mc_queue_take_dead(mc_ref queue, struct mc_lease *lease, struct mc_member *who,
                       pid_t *pid);

/* No more puts, from anyone; wakes all who wait on the queue. */
void mc_queue_close(mc_ref queue);

bool mc_queue_closed(mc_ref queue);
uint64_t mc_queue_size(mc_ref queue); /* items that a take would find, at this instant */
uint64_t mc_queue_maxsize(mc_ref queue); /* 0: unbounded */

#endif
