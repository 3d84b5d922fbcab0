/* What becomes of messages in hand: settled, returned or buried. */
#include "share/lease.h"

#include "base/error.h"
#include "share/life.h"
#include "share/lock.h"
#include "share/message.h"
#include "share/undo.h"
#include "share/wake.h"

void mc_lease_show(struct mc_lease *lease, uint32_t place) {
  struct mc_block *block = mc_block(mc_self->leases[place]);
  lease->bytes = mc_message_bytes(block);
  lease->length = block->length;
  lease->handles = mc_message_handles(block);
  lease->n_handles = block->n_handles;
  lease->index = place;
}

bool mc_leases_of(mc_ref queue) {
  if (mc_local->n_free_leases == MC_LEASES)
    return false;
  for (uint32_t i = 0; i < MC_LEASES; i++)
    if (mc_self->leases[i] && mc_block(mc_self->leases[i])->queue == queue)
      return true;
  return false;
}

void mc_lease_forget(uint32_t place, mc_ref queue) {
  mc_local->free_leases[place / 64] |= (uint64_t)1 << place % 64;
  mc_local->n_free_leases++;
  if (__builtin_expect(mc_local->deferred == 0, 1))
    return;
  struct mc_hold *hold = mc_local_find(queue);
  if (hold == NULL || hold->count > 0 || mc_leases_of(queue))
    return;
  mc_local->deferred--;
  mc_object_let_go(queue);
}

/* A message loses its handles step by step and is not whole from then on: it leaves the
 * table first, or it would come back like that after a death. */
static void settle_with_handles(mc_ref *place) {
  mc_ref ref = *place;
  mc_undo_begin(NULL);
  mc_set32(&mc_block(ref)->link, 0);
  mc_set32(&mc_self->pending, ref);
  mc_set32(place, 0);
  mc_undo_commit();
  mc_pending_free();
  mc_dismantle();
}

void mc_lease_settle(const struct mc_lease *lease) {
  mc_ref *place = &mc_self->leases[lease->index];
  mc_ref ref = *place;
  mc_ref queue = mc_block(ref)->queue;
  if (__builtin_expect(mc_block(ref)->n_handles != 0, 0))
    settle_with_handles(place);
  else
    mc_message_free(ref, place, 0);
  mc_lease_forget(lease->index, queue);
}

void mc_lease_put_back(mc_ref *place) {
  mc_ref ref = *place;
  struct mc_block *block = mc_block(ref);
  struct mc_queue *queue = mc_at(block->queue);
  if (block->flags & MC_BLOCK_OBIT)
    mc_message_obit(block)->pid = 0;
  mc_lock(&queue->head_lock);
  mc_ref *link = &queue->returned; /* by sequence: the order in which they were put */
  while (*link && mc_block(*link)->sequence < block->sequence)
    link = &mc_block(*link)->next;
  mc_undo_begin(&queue->head_lock);
  mc_set32(&block->next, *link);
  mc_set32(link, ref);
  mc_set32(&queue->n_returned, queue->n_returned + 1);
  mc_set32(place, 0);
  mc_undo_commit();
  mc_unlock(&queue->head_lock);
  mc_wake(&queue->readers, 1);
}

void mc_lease_return(const struct mc_lease *lease) {
  mc_ref *place = &mc_self->leases[lease->index];
  mc_ref queue = mc_block(*place)->queue;
  mc_lease_put_back(place);
  mc_lease_forget(lease->index, queue);
}

void mc_lease_bury(mc_ref *place, struct mc_member who, pid_t pid) {
  mc_ref ref = *place;
  struct mc_block *block = mc_block(ref);
  struct mc_queue *queue = mc_at(block->queue);
  struct mc_obit *obit = mc_message_obit(block);
  if (obit->pid == 0) {
    obit->who = who;
    mc_order();
    obit->pid = pid;
  }
  mc_lock(&queue->head_lock);
  mc_ref *link = &queue->dead;
  while (*link)
    link = &mc_block(*link)->next;
  mc_undo_begin(&queue->head_lock);
  mc_set32(&block->next, 0);
  mc_set32(link, ref);
  mc_set32(place, 0);
  mc_undo_commit();
  mc_unlock(&queue->head_lock);
}

int mc_queue_take_dead(mc_ref ref, struct mc_lease *lease, struct mc_member *who,
                       pid_t *pid) {
  struct mc_queue *queue = mc_at(ref);
  if (__atomic_load_n(&queue->dead, __ATOMIC_ACQUIRE) == 0)
    return MC_EMPTY;
  if (mc_leases_free() == 0)
    return MC_NOSLOT;
  mc_lock(&queue->head_lock);
  mc_ref dead = queue->dead;
  if (dead == 0) {
    mc_unlock(&queue->head_lock);
    return MC_EMPTY;
  }
  uint32_t place = mc_lease_place();
  mc_undo_begin(&queue->head_lock);
  mc_set32(&queue->dead, mc_block(dead)->next);
  mc_set32(&mc_self->leases[place], dead);
  mc_undo_commit();
  mc_unlock(&queue->head_lock);
  const struct mc_obit *obit = mc_message_obit(mc_block(dead));
  if (who)
    *who = obit->who;
  if (pid)
    *pid = obit->pid;
  mc_lease_show(lease, place);
  return 1;
}
