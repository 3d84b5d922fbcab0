/* Taking: messages move from the queue's head to the member's table of leases.
 *
 *   leases[place] = block      the intent
 *   head += n, or returned = next       the commit
 *
 * A lease whose message is still in the queue never was (recover.c). */
#include "share/queue.h"

#include "base/error.h"
#include "share/lease.h"
#include "share/lock.h"
#include "share/message.h"
#include "share/queue_state.h"
#include "share/undo.h"
#include "share/wait.h"
#include "share/wake.h"

/* Takes up to n returned messages. How many. */
static size_t take_returned(struct mc_queue *queue, struct mc_lease *leases, size_t n) {
  size_t taken = 0;
  while (taken < n && queue->returned) {
    uint32_t place = mc_lease_place();
    mc_ref ref = queue->returned;
    mc_self->leases[place] = ref;
    mc_order();
    __atomic_store_n(&queue->returned, mc_block(ref)->next, __ATOMIC_RELEASE);
    mc_order();
    __atomic_store_n(&queue->n_returned, queue->n_returned - 1, __ATOMIC_RELEASE);
    leases[taken++].index = place;
  }
  return taken;
}

/* The head is at the end of its segment: steps to the next one. */
static void step(struct mc_queue *queue) {
  mc_undo_begin(&queue->head_lock);
  mc_set32(&mc_self->old_segment, queue->head_segment);
  mc_set32(&queue->head_segment, mc_block(queue->head_segment)->link);
  mc_undo_commit();
}

/* Takes n messages that are there; at most one edge of segments lies within. */
static void take_from_head(struct mc_queue *queue, struct mc_lease *leases, uint64_t n) {
  uint64_t head = queue->head;
  while (n) {
    const struct mc_segment *segment = mc_at(queue->head_segment);
    uint64_t end = segment->block.sequence + MC_SEGMENT_ENTRIES;
    if (head == end) {
      step(queue);
      continue;
    }
    uint64_t until = end - head < n ? end : head + n;
    n -= until - head;
    for (; head < until; head++) {
      uint32_t place = mc_lease_place();
      mc_self->leases[place] = segment->entries[head - segment->block.sequence];
      (leases++)->index = place;
    }
    mc_order();
    __atomic_store_n(&queue->head, head, __ATOMIC_RELEASE); /* the commit */
    mc_order();
  }
}

/* The word that putters write is read anew only when the last look at it is used up: each
 * such look costs them the line of the cache. */
static bool may_have_items(const struct mc_queue *queue) {
  uint64_t seen = __atomic_load_n(&queue->tail_seen, __ATOMIC_RELAXED);
  return seen != __atomic_load_n(&queue->head, __ATOMIC_RELAXED) ||
         mc_queue_has_items(queue);
}

int mc_queue_try_take(mc_ref ref, struct mc_lease *leases, size_t n) {
  struct mc_queue *queue = mc_at(ref);
  bool closed = mc_queue_is_closed(queue); /* before the look: no put can come after it */
  if (n == 0)
    return 0;
  if (!may_have_items(queue))
    return closed ? MC_CLOSED : MC_EMPTY;
  uint32_t free_places = mc_leases_free();
  if (free_places == 0)
    return MC_NOSLOT;
  if (n > free_places)
    n = free_places;
  mc_lock(&queue->head_lock);
  size_t taken = take_returned(queue, leases, n);
  if (taken < n) {
    uint64_t want = n - taken;
    if (queue->tail_seen - queue->head < want)
      __atomic_store_n(&queue->tail_seen, __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE),
                       __ATOMIC_RELAXED);
    uint64_t there = queue->tail_seen - queue->head;
    take_from_head(queue, leases + taken, there < want ? there : want);
    taken += there < want ? there : want;
  }
  mc_unlock(&queue->head_lock);
  if (__builtin_expect(mc_self->old_segment != 0, 0))
    mc_block_give(mc_self->old_segment, &mc_self->old_segment, 0);
  if (taken == 0)
    return closed ? MC_CLOSED : MC_EMPTY;
  for (size_t i = 0; i < taken; i++)
    mc_lease_show(&leases[i], leases[i].index);
  mc_wake(&queue->writers, taken);
  return (int)taken;
}

int mc_queue_take(mc_ref queue, struct mc_lease *leases, size_t n, mc_time deadline) {
  for (;;) {
    int rc = mc_queue_try_take(queue, leases, n);
    if (rc != MC_EMPTY)
      return rc;
    struct mc_wait_for item = {queue, MC_READABLE};
    int waited = mc_wait(&item, 1, deadline);
    if (waited != 0)
      return waited == MC_TIMEOUT ? MC_EMPTY : waited;
  }
}
