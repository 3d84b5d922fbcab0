/* Results on their way from the workers of a pool: taken together, so that the queue is
 * locked once for many, and dealt with one by one. */
#ifndef MC_BIND_INBOX_H
#define MC_BIND_INBOX_H

#include "share/queue.h"

#include <stdbool.h>

#define BIND_INBOX 32

struct bind_inbox {
  struct mc_lease leases[BIND_INBOX];
  unsigned at, n; /* those from at to n - 1 are still to be dealt with */
};

static inline bool bind_inbox_has_some(const struct bind_inbox *inbox) {
  return inbox->at < inbox->n;
}

/* The next one, without waiting; NULL: there is none. It stays in the box. */
static inline const struct mc_lease *bind_inbox_peek(struct bind_inbox *inbox,
                                                     mc_ref queue) {
  if (!bind_inbox_has_some(inbox)) {
    int got = mc_queue_try_take(queue, inbox->leases, BIND_INBOX);
    inbox->at = 0;
    inbox->n = got > 0 ? (unsigned)got : 0;
    if (got <= 0)
      return NULL;
  }
  return &inbox->leases[inbox->at];
}

/* Takes out what bind_inbox_peek() has found; the caller settles it. */
static inline struct mc_lease bind_inbox_take(struct bind_inbox *inbox) {
  return inbox->leases[inbox->at++];
}

/* Settles what is in it. */
static inline void bind_inbox_clear(struct bind_inbox *inbox) {
  while (bind_inbox_has_some(inbox)) {
    struct mc_lease lease = bind_inbox_take(inbox);
    mc_lease_settle(&lease);
  }
}

#endif
