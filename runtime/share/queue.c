/* Queues: making, closing, asking. Puts and takes are in files of their own.
 *
 *   returned ─► (oldest first)
 *   head_segment ─► segment ─► … ─► tail_segment        messages head … tail - 1
 *   dead ─► (oldest first)
 *
 * Invariants: message n is in the segment whose sequence is the largest one <= n. Only
 * the messages between head and tail belong to the queue; what is in segments outside of
 * it is stale. head and tail never go back. */
#include "share/queue.h"

#include "base/error.h"
#include "share/life.h"
#include "share/local.h"
#include "share/lock.h"
#include "share/message.h"
#include "share/object.h"
#include "share/queue_state.h"
#include "share/undo.h"
#include "share/wake.h"

#include <string.h>

static void init(mc_ref ref, const struct mc_queue_options *options) {
  struct mc_queue *queue = mc_at(ref);
  /* The lock words of the former tenant are free, and stay lock words. */
  queue->object.next_dying = 0;
  queue->object.holders = queue->object.references = 0;
  queue->maxsize = options->maxsize;
  queue->on_death = options->on_death;
  queue->closed = 0;
  queue->tail = queue->head = queue->head_seen = queue->tail_seen = 0;
  queue->tail_segment = queue->head_segment = 0;
  queue->returned = queue->dead = 0;
  queue->done = 0;
  queue->n_returned = 0;
  memset(&queue->readers, 0, sizeof(queue->readers));
  memset(&queue->writers, 0, sizeof(queue->writers));
  mc_lock_init(&queue->tail_lock, MC_LOCK_TAIL, ref);
  mc_lock_init(&queue->head_lock, MC_LOCK_HEAD, ref);
}

int mc_queue_create(const struct mc_queue_options *options, mc_ref *created) {
  struct mc_slot *self = mc_self;
  if (!mc_local_reserve() || mc_holds_reserve(self) != 0)
    return MC_NOMEM;
  mc_ref ref = mc_block_take(MC_CLASS_OBJECT, &self->pending);
  if (ref == 0)
    return MC_NOMEM;
  init(ref, options);
  struct mc_object *object = mc_object_at(ref);
  uint32_t index = self->n_holds;
  mc_lock(&mc_space->objects_lock);
  mc_undo_begin(&mc_space->objects_lock);
  mc_set32(&object->kind, MC_KIND_QUEUE);
  mc_set32(&object->holders, 1);
  mc_set64(&mc_space->objects, mc_space->objects + 1);
  mc_holds_append(self, ref);
  mc_set32(&self->pending, 0);
  mc_undo_commit();
  mc_unlock(&mc_space->objects_lock);
  mc_local_add(ref, index);
  *created = ref;
  return 0;
}

void mc_queue_close(mc_ref ref) {
  struct mc_queue *queue = mc_at(ref);
  mc_lock(&queue->tail_lock);
  __atomic_store_n(&queue->closed, 1, __ATOMIC_RELEASE);
  mc_unlock(&queue->tail_lock);
  mc_wake(&queue->readers, UINT64_MAX);
  mc_wake(&queue->writers, UINT64_MAX);
}

bool mc_queue_closed(mc_ref ref) {
  return mc_queue_is_closed(mc_at(ref));
}

uint64_t mc_queue_size(mc_ref ref) {
  const struct mc_queue *queue = mc_at(ref);
  for (;;) {
    uint64_t head = __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE);
    uint32_t returned = __atomic_load_n(&queue->n_returned, __ATOMIC_ACQUIRE);
    uint64_t tail = __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE);
    /* tail was read while head and the returned ones were these. */
    if (head == __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE) &&
        returned == __atomic_load_n(&queue->n_returned, __ATOMIC_ACQUIRE))
      return tail - head + returned;
  }
}

uint64_t mc_queue_maxsize(mc_ref ref) {
  return ((const struct mc_queue *)mc_at(ref))->maxsize;
}
