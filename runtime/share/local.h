/* What a member keeps in its own memory. A forked child inherits its parent's and makes
 * it its own in mc_member_adopt. It lies in the thread's own page, which a child has to
 * copy in any case. */
#ifndef MC_SHARE_LOCAL_H
#define MC_SHARE_LOCAL_H

#include "share/layout.h"
#include "share/wait.h"

#define MC_OWED 16

/* A held object: how often, and where in the slot's list. */
struct mc_hold {
  mc_ref object; /* 0: an empty place */
  uint32_t count;
  uint32_t index;
};

struct mc_local {
  uint32_t generation;
  uint64_t
      free_leases[MC_LEASES / 64]; /* a bit for each free place in the slot's table */
  uint32_t n_free_leases;
  struct mc_hold *holds; /* open addressing, a power of two */
  uint32_t holds_size, holds_used;
  uint32_t
      deferred; /* objects let go of while leases on them were in hand; see lease.c */
  uint64_t kept_last;
  uint32_t n_kept;
  uint32_t bell_seen;   /* the bell's count when the last wait ended */
  uint32_t short_spins; /* in a row, that did not help; see wait.c */
  uint32_t in_step;     /* waits in a row that ended at once, and no put */
  uint32_t pace_pause;  /* large puts that shall not wait: see queue_put.c */
  uint32_t yield_pause; /* waits that shall not yield … */
  uint32_t yield_next;  /* … and how many that will be the next time */
  uint32_t n_owed;
  bool armed;                          /* between mc_bell_arm and mc_bell_disarm, */
  const struct mc_wait_for *armed_for; /* with these, */
  size_t n_armed_for;                  /* whose objects are held */
  bool reserved;                       /* a seat for a child, at some time */
  uint32_t given_seen; /* mc_space.given before the last allocation that failed */
  uint32_t purged_at;  /* mc_space.given when a purge found nothing */
  int bell, sender;    /* descriptors, -1 */
  mc_ref *hold_blocks; /* the first blocks of the slot's list of holds, by number */
  uint32_t n_hold_blocks, hold_blocks_size;
  struct mc_wait_for owed[MC_OWED]; /* wake-ups to pass on; their objects are held */
  uint64_t *kept;      /* of each lease: when it was kept, counted; 0: it is not */
  uint64_t *kept_task; /* by which task */
};

extern _Thread_local struct mc_local *mc_local __attribute__((tls_model("initial-exec")));

/* Makes it for this thread, or makes the inherited one ready for a new member. false: no
 * memory. */
bool mc_local_begin(uint32_t generation);

/* Frees it and closes its descriptors. */
void mc_local_end(void);

/* The place of an object, NULL when this process does not hold it. */
struct mc_hold *mc_local_find(mc_ref object);

/* Makes sure that one more object fits. false: no memory. */
bool mc_local_reserve(void);

/* Adds an object that is not there; mc_local_reserve came before. */
struct mc_hold *mc_local_add(mc_ref object, uint32_t index);

void mc_local_remove(struct mc_hold *hold);

#endif
