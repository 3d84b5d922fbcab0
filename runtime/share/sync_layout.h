/* What locks, semaphores, events, conditions and barriers are made of.
 *
 *   sync ─► partner                  the lock of a condition, the action of a barrier
 *        ├► waiters                  bits of those who sleep (locks, semaphores, events)
 *        └► roll: entry, entry, …    first in the object, then ─► roll block ─► …
 *
 * The roll says which members have something: permits of a semaphore, a place in a
 * condition or a barrier. It is never cleaned up by the reaper: whoever is kept from
 * going on looks for entries of members that are gone, and undoes what those had; after
 * each death every sleeper looks. The owner of a lock is looked at in the same way.
 *
 * All is changed under the object's own core lock, in undo sections, except for a lock
 * and an event, which are one word each. The object lies in a block of the class of
 * queues, its lock where theirs is: lock words stay lock words.
 *
 * Invariants: entries at and behind n_roll are stale. A member has at most one entry in a
 * semaphore's roll. */
#ifndef MC_SHARE_SYNC_LAYOUT_H
#define MC_SHARE_SYNC_LAYOUT_H

#include "share/layout.h"
#include "share/object.h"

struct mc_entry { /* [sync] */
  uint64_t member;
  uint32_t a; /* semaphore: permits; condition, barrier: the ticket */
  uint32_t b; /* condition: 1: notified; barrier: the phase */
};

#define MC_ROLL_INLINE 20u
#define MC_ROLL_BLOCK  ((512u - (uint32_t)sizeof(struct mc_block)) / 16u)

struct mc_roll { /* a block of MC_CLASS_HOLDS */
  struct mc_block block;
  struct mc_entry entries[MC_ROLL_BLOCK];
};

struct mc_sync {
  struct mc_block block; /* flags: MC_BLOCK_OBIT: the handles come behind the object */
  struct mc_object object;
  mc_ref partner[2]; /* never change: the handles of the block */
  uint64_t limit;    /* never changes. bounded semaphore: its bound; barrier: parties */
  uint32_t tracked;  /* never changes. semaphore: permits of the dead come back */
  uint8_t line0[MC_CACHE_LINE - 4];

  struct mc_robust lock; /* "[sync]" */
  /* [sync], read by anybody. semaphore: permits; event: times it was set << 1 | set
   * ([any]); barrier: how many have arrived; lock: how often its owner has it ([owner])
   */
  uint64_t value;
  uint64_t
      owner;     /* packed member. lock: who has it ([any]); barrier: who acts ([sync]) */
  uint64_t task; /* [owner]: lock: which task of the owner */
  uint64_t phase;   /* [sync]: barrier: times it opened or broke */
  uint64_t broke;   /* [sync]: barrier: a bit for each of the last phases, 1: it broke */
  uint32_t broken;  /* [sync]: barrier */
  uint32_t tickets; /* [sync]: given so far */
  uint32_t all;     /* [sync]: condition: all tickets before this one are notified */
  uint32_t n_roll;  /* [sync] */
  uint32_t blocks;  /* [sync]: in the chain */
  mc_ref more;      /* [sync]: struct mc_roll, by link */
  uint8_t queue_lock[MC_CACHE_LINE + 24 + 40]; /* not ours: a queue's head lock */

  struct mc_mask waiters;
  struct mc_entry entries[MC_ROLL_INLINE]; /* [sync] */
};
_Static_assert(sizeof(struct mc_sync) <= 1024, "it fits in its class");
_Static_assert(offsetof(struct mc_sync, lock) == offsetof(struct mc_queue, tail_lock),
               "lock words stay lock words");
_Static_assert(offsetof(struct mc_sync, queue_lock) <=
                       offsetof(struct mc_queue, head_lock) &&
                   offsetof(struct mc_sync, waiters) >=
                       offsetof(struct mc_queue, head_lock) + sizeof(struct mc_robust),
               "the other one is not touched");

/* The two ends of a pipe; a block of MC_CLASS_SMALL. */
struct mc_connection {
  struct mc_block block; /* flags as in mc_sync */
  struct mc_object object;
  mc_ref partner[2];    /* never change: the queues to read from and to write to */
  uint32_t only_writes; /* never changes: partner[0] is the one to write to */
};
_Static_assert(sizeof(struct mc_object) == sizeof(struct mc_obit),
               "handles come behind either");

static inline bool mc_kind_is_sync(enum mc_kind kind) {
  return kind >= MC_KIND_LOCK && kind <= MC_KIND_BARRIER;
}

/* sync.c */

/* A new object of the kind, private to the caller: all zero but its lock and its
 * `n` partners, which it refers to (0 is left out). 0 or MC_NOMEM. */
int mc_sync_begin(enum mc_kind kind, const mc_ref *partners, uint32_t n,
                  struct mc_sync **sync);

/* Makes it an object that this process holds once. */
mc_ref mc_sync_finish(struct mc_sync *sync, enum mc_kind kind);

/* Takes one piece out of a sync or a connection that nobody else can reach. */
void mc_sync_detach_piece(mc_ref object);

/* sync_roll.c, all under the lock */

/* Takes the lock, with room for one more entry. MC_NOMEM: the lock is not taken. */
int mc_roll_lock(struct mc_sync *sync);

/* Leaves it, and frees what was not needed. */
void mc_roll_unlock(struct mc_sync *sync);

struct mc_entry *mc_roll_entry(struct mc_sync *sync, uint32_t i);

#define MC_NO_ENTRY UINT32_MAX

/* The entry of a ticket of the caller. */
uint32_t mc_roll_find(struct mc_sync *sync, uint32_t ticket);

/* In a section: appends; mc_roll_lock came before. 1 store. */
void mc_roll_append(struct mc_sync *sync, uint32_t a, uint32_t b);

/* In a section: the last entry takes the place of i. 4 stores. */
void mc_roll_remove(struct mc_sync *sync, uint32_t i);

bool mc_entry_gone(const struct mc_entry *entry);

/* Members to be rung once the lock is left. */
struct mc_ringing {
  uint64_t bits[MC_MEMBERS / 64];
};

static inline void mc_ringing_add(struct mc_ringing *ringing, uint64_t member) {
  uint32_t slot = (uint32_t)member;
  ringing->bits[slot / 64] |= (uint64_t)1 << slot % 64;
}

void mc_ringing_ring(const struct mc_ringing *ringing);

#endif
