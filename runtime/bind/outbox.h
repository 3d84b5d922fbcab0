/* Tasks on their way to the workers of a pool. They are put together, so that the queue
 * is locked, and a worker that sleeps is woken, once for many. */
#ifndef MC_BIND_OUTBOX_H
#define MC_BIND_OUTBOX_H

#include "base/buffer.h"
#include "crew/pool.h"
#include "share/queue.h"
#include "wire/wire.h"

#define BIND_OUTBOX 32 /* tasks in it */

struct bind_outbox {
  struct mc_buffer bytes, refs; /* of all of them, one behind the other */
  struct bind_outgoing {
    uint64_t id;
    size_t at, length;
    size_t first_ref;
    uint32_t n_refs;
  } tasks[BIND_OUTBOX];
  unsigned n;
};

/* Appends a task to a box that is not full: its head, the encoded function, the encoded
 * arguments. false: no memory. */
bool bind_outbox_add(struct bind_outbox *box, const struct mc_task_head *head,
                     const struct wire_bytes *function,
                     const struct wire_bytes *arguments);

/* It should be emptied before the next one. */
bool bind_outbox_is_full(const struct bind_outbox *box);

/* Puts task i, and as many of those behind it as go, into the queue: how many, or the
 * error of task i, as mc_queue_try_put. */
int bind_outbox_put(const struct bind_outbox *box, unsigned i, mc_ref queue);

void bind_outbox_clear(struct bind_outbox *box);
void bind_outbox_free(struct bind_outbox *box);

#endif
