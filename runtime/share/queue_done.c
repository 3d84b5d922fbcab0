/* Messages marked done: how many there were, and leases kept until then.
 *
 *   tail   messages put
 *   head   messages taken, less those that came back (n_returned)
 *   done   messages marked done: never more than were taken */
#include "share/queue.h"

#include "base/error.h"
#include "share/lease.h"
#include "share/life.h"
#include "share/lock.h"
#include "share/message.h"
#include "share/undo.h"
#include "share/wake.h"

void mc_lease_keep(const struct mc_lease *lease, uint64_t task) {
  mc_local->kept[lease->index] = ++mc_local->kept_last;
  mc_local->kept_task[lease->index] = task;
  mc_local->n_kept++;
}

uint32_t mc_leases_kept(void) {
  return mc_local->n_kept;
}

/* The place of the queue's lease that was kept first, one of the task if there is one;
 * MC_LEASES: none is. */
static uint32_t first_kept(mc_ref queue, uint64_t task) {
  const struct mc_local *local = mc_local;
  uint32_t first = MC_LEASES;
  uint32_t left = local->n_kept;
  for (uint32_t i = 0; i < MC_LEASES && left; i++) {
    if (local->kept[i] == 0)
      continue;
    left--;
    if (mc_block(mc_self->leases[i])->queue != queue)
      continue;
    if (first == MC_LEASES) {
      first = i;
      continue;
    }
    bool own = local->kept_task[i] == task;
    bool own_first = local->kept_task[first] == task;
    if (own == own_first ? local->kept[i] < local->kept[first] : own)
      first = i;
  }
  return first;
}

void mc_leases_give_up(mc_ref queue) {
  struct mc_local *local = mc_local;
  for (uint32_t i = 0; i < MC_LEASES && local->n_kept; i++) {
    if (local->kept[i] == 0 || mc_block(mc_self->leases[i])->queue != queue)
      continue;
    local->kept[i] = 0;
    local->n_kept--;
    mc_lease_return(&(struct mc_lease){.index = i});
  }
}

/* The message in that place is done: in one step, counted and on its way to be freed. */
static void settle_as_done(uint32_t place) {
  mc_ref *lease = &mc_self->leases[place];
  mc_ref ref = *lease;
  mc_ref at = mc_block(ref)->queue;
  struct mc_queue *queue = mc_at(at);
  mc_lock(&queue->head_lock);
  mc_undo_begin(&queue->head_lock);
  mc_set64(&queue->done, queue->done + 1);
  mc_set32(lease, 0);
  mc_set32(&mc_block(ref)->link, 0);
  mc_set32(&mc_self->pending, ref);
  mc_undo_commit();
  bool all = queue->done == __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE);
  mc_unlock(&queue->head_lock);
  if (all)
    mc_wake(&mc_space->joiners, UINT64_MAX);
  mc_pending_free();
  mc_lease_forget(place, at);
  if (mc_self->dying)
    mc_dismantle();
}

void mc_lease_finish(const struct mc_lease *lease) {
  settle_as_done(lease->index);
}

static int count_done(struct mc_queue *queue) {
  mc_lock(&queue->head_lock);
  uint64_t done = queue->done;
  bool more = done < queue->head - queue->n_returned;
  if (more)
    __atomic_store_n(&queue->done, ++done, __ATOMIC_RELEASE);
  bool all = done == __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE);
  mc_unlock(&queue->head_lock);
  if (all)
    mc_wake(&mc_space->joiners, UINT64_MAX);
  return more ? 0 : MC_TOOMANY;
}

int mc_queue_task_done(mc_ref ref, uint64_t task) {
  struct mc_queue *queue = mc_at(ref);
  if (queue->on_death != MC_REDELIVER)
    return count_done(queue);
  uint32_t place = mc_local->n_kept ? first_kept(ref, task) : MC_LEASES;
  if (place == MC_LEASES)
    return MC_TOOMANY;
  mc_local->kept[place] = 0;
  mc_local->n_kept--;
  settle_as_done(place);
  return 0;
}

uint64_t mc_queue_unfinished(mc_ref ref) {
  const struct mc_queue *queue = mc_at(ref);
  uint64_t done = __atomic_load_n(&queue->done, __ATOMIC_SEQ_CST);
  return __atomic_load_n(&queue->tail, __ATOMIC_SEQ_CST) - done;
}

/* A count in an open section may be taken back: what was seen without the lock is no more
 * than a reason to look with it. */
bool mc_queue_all_done(mc_ref ref) {
  struct mc_queue *queue = mc_at(ref);
  if (mc_queue_unfinished(ref) != 0)
    return false;
  mc_lock(&queue->head_lock);
  bool all = mc_queue_unfinished(ref) == 0;
  mc_unlock(&queue->head_lock);
  return all;
}

enum mc_on_death mc_queue_on_death(mc_ref queue) {
  return (enum mc_on_death)((const struct mc_queue *)mc_at(queue))->on_death;
}
