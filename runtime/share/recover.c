/* What the next holder of a lock does when the former one died inside.
 *
 * Every rule decides from what the lock protects and from the dead member's slot, writes
 * only these, and may be run again from the start: the one who recovers may die too. */
#include "share/dict_layout.h"
#include "share/lock.h"
#include "share/purge.h"
#include "share/undo.h"

/* A put: either its commit is there, then the rest of it is made true, or it is not, then
 * the blocks and segments stay the dead one's. */
static void recover_tail(struct mc_queue *queue, struct mc_slot *dead) {
  if (dead->put_queue != mc_ref_of(queue))
    return;
  if (queue->tail != dead->put_tail) {
    queue->tail_segment = dead->put_segment;
    dead->pending_segments = 0;
    dead->pending = dead->put_rest;
  } else if (queue->tail_segment) {
    mc_block(queue->tail_segment)->link = 0; /* segments behind it are not the queue's */
  } else {
    queue->head_segment = 0;
  }
  mc_order();
  dead->put_queue = 0;
  mc_order();
}

/* A take: leases whose messages are still in the queue never were. */
static void recover_head(struct mc_queue *queue, struct mc_slot *dead) {
  for (uint32_t i = 0; i < MC_LEASES; i++) {
    mc_ref ref = dead->leases[i];
    if (ref == 0 || mc_block(ref)->queue != mc_ref_of(queue))
      continue;
    if (ref == queue->returned || mc_block(ref)->sequence >= queue->head)
      dead->leases[i] = 0;
  }
  uint32_t n = 0;
  for (mc_ref ref = queue->returned; ref; ref = mc_block(ref)->next)
    n++;
  __atomic_store_n(&queue->n_returned, n, __ATOMIC_RELAXED);
  mc_order();
}

void mc_recover(struct mc_robust *lock, struct mc_slot *dead) {
  if (dead->undo.n && dead->undo.lock == mc_offset_of(lock))
    mc_undo_roll_back(&dead->undo);
  switch (lock->kind) {
  case MC_LOCK_TAIL:
    recover_tail(mc_at(lock->object), dead);
    break;
  case MC_LOCK_HEAD:
    recover_head(mc_at(lock->object), dead);
    break;
  case MC_LOCK_DEPOT:
    mc_purge_recover(lock->object);
    break;
  case MC_LOCK_UPDATE:
    mc_dict_recover(lock);
    break;
  case MC_LOCK_MEMBERS:
    /* A reaper: its other sections concern the slot of its victim, which we may be about
     * to reap before the reaper's own. */
    mc_recover_held(dead);
    break;
  default:
    break;
  }
}
