/* Clearing up after dead members, under the members lock.
 *
 * Everything that a dead slot has moves away in transactions or by idempotent stores, so
 * a reaper that dies is itself reaped, and its victim again from the start. Order
 * matters:
 *
 *   1. locks: their next holder (we) recovers; puts and takes are now done or not
 *   2. what is both in a magazine and in an intent is the magazine's
 *   3. magazines, pending blocks, segments, leases, dying objects
 *   4. bits in wait masks, while the objects are still held
 *   5. holds, then the seat; then every bell is rung */
#include "share/member.h"

#include "base/error.h"
#include "share/hunger.h"
#include "share/lease.h"
#include "share/life.h"
#include "share/local.h"
#include "share/lock.h"
#include "share/member_state.h"
#include "share/message.h"
#include "share/sleep.h"
#include "share/undo.h"
#include "share/wake.h"
#include "share/want.h"

void mc_recover_held(struct mc_slot *dead) {
  for (int i = 0; i < MC_HELD; i++) {
    if (dead->held[i] == 0)
      continue;
    struct mc_robust *lock = (struct mc_robust *)((char *)mc_space + dead->held[i]);
    if (lock == &mc_space->members_lock)
      continue; /* ours now, recovered when we took it */
    mc_lock(lock);
    mc_unlock(lock);
  }
  if (dead->undo.n) /* a private section: nobody but us will look */
    mc_undo_roll_back(&dead->undo);
}

static bool in_magazine(const struct mc_slot *dead, mc_ref ref) {
  uint32_t size_class = mc_block(ref)->size_class;
  return size_class < MC_CLASSES && dead->magazines[size_class].loaded == ref;
}

/* Drops blocks from a list of intents that are still, or again, in a magazine. Blocks
 * that follow were linked before: their link is kept while a block is pushed. */
static void forget_cached(const struct mc_slot *dead, mc_ref *link) {
  while (*link) {
    if (in_magazine(dead, *link))
      *link = mc_block(*link)->link;
    else
      link = &mc_block(*link)->link;
  }
}

static void settle_doubles(struct mc_slot *dead) {
  forget_cached(dead, &dead->pending);
  forget_cached(dead, &dead->pending_segments);
  if (dead->old_segment && in_magazine(dead, dead->old_segment))
    dead->old_segment = 0;
  for (uint32_t i = 0; i < MC_LEASES; i++)
    if (dead->leases[i] && in_magazine(dead, dead->leases[i]))
      dead->leases[i] = 0;
  mc_order();
}

/* Moves one block of the victim's to our pending list and frees it. */
static void free_block_of(mc_ref *link, mc_ref then) {
  mc_ref ref = *link;
  mc_undo_begin(NULL);
  mc_set32(link, then);
  mc_set32(&mc_block(ref)->link, 0);
  mc_set32(&mc_self->pending, ref);
  mc_undo_commit();
  mc_pending_free();
  mc_dismantle();
}

static void reap_memory(struct mc_slot *dead) {
  for (uint32_t i = 0; i < MC_CLASSES; i++) {
    mc_depot_give(i, &dead->magazines[i].loaded, 0);
    mc_depot_give(i, &dead->magazines[i].spare, 0);
  }
  if (dead->carved) {
    mc_self->carved_class = dead->carved_class;
    mc_undo_begin(NULL);
    mc_set32(&mc_self->carved, dead->carved);
    mc_set32(&dead->carved, 0);
    mc_undo_commit();
    mc_cache_finish_carving();
  }
  while (dead->pending)
    free_block_of(&dead->pending, mc_block(dead->pending)->link);
  while (dead->pending_segments)
    free_block_of(&dead->pending_segments, mc_block(dead->pending_segments)->link);
  if (dead->old_segment)
    free_block_of(&dead->old_segment, 0);
}

static void reap_leases(struct mc_slot *dead, struct mc_member who) {
  for (uint32_t i = 0; i < MC_LEASES; i++) {
    if (dead->leases[i] == 0)
      continue;
    const struct mc_queue *queue = mc_at(mc_block(dead->leases[i])->queue);
    if (queue->on_death == MC_BURY)
      mc_lease_bury(&dead->leases[i], who, dead->pid);
    else
      mc_lease_put_back(&dead->leases[i]);
  }
}

static void reap_dying(struct mc_slot *dead) {
  while (dead->dying) {
    struct mc_object *object = mc_object_at(dead->dying);
    mc_ref ref = dead->dying;
    mc_undo_begin(NULL);
    mc_set32(&dead->dying, object->next_dying);
    mc_set32(&object->next_dying, mc_self->dying);
    mc_set32(&mc_self->dying, ref);
    mc_undo_commit();
    mc_dismantle();
  }
}

static void reap_bits(struct mc_slot *dead) {
  uint32_t slot = mc_slot_index(dead);
  mc_mask_clear(&mc_space->hungry, slot);
  mc_mask_clear(&mc_space->joiners, slot);
  if (dead->n_waits <= MC_WAITS) {
    for (uint32_t i = 0; i < dead->n_waits; i++)
      mc_want_forget(dead->waits[i], slot);
  } else { /* more than were noted: it holds all that it waited for */
    for (uint32_t i = 0; i < dead->n_holds; i++)
      mc_want_forget(mc_holds_get(dead, i), slot);
  }
  dead->n_waits = 0;
}

static void reap_holds(struct mc_slot *dead) {
  while (dead->n_holds) {
    mc_ref object = mc_holds_get(dead, dead->n_holds - 1);
    mc_lock(&mc_space->objects_lock);
    mc_undo_begin(&mc_space->objects_lock);
    mc_holds_remove(dead, dead->n_holds - 1);
    mc_object_less(object, &mc_object_at(object)->holders);
    mc_undo_commit();
    mc_unlock(&mc_space->objects_lock);
    mc_dismantle();
  }
  mc_holds_trim(dead);
}

static void reap_slot(uint32_t index, uint32_t generation) {
  struct mc_slot *dead = mc_slot(index);
  mc_recover_held(dead);
  mc_dismantle(); /* what an unfinished update had, and nobody else has */
  /* A parent that died while it gave its child holds. */
  mc_lock(&mc_space->objects_lock);
  mc_unlock(&mc_space->objects_lock);
  settle_doubles(dead);
  reap_memory(dead);
  reap_leases(dead, (struct mc_member){index, generation});
  reap_dying(dead);
  reap_bits(dead);
  reap_holds(dead);
  mc_seat_free(index);
}

/* true when the seat's member is dead; one that was reserved by a dead parent becomes so.
 */
static bool is_dead(uint32_t index, uint64_t seat) {
  if (!(seat & MC_SEAT_USED))
    return false;
  struct mc_slot *slot = mc_slot(index);
  uint32_t life = __atomic_load_n(&slot->life.word, __ATOMIC_ACQUIRE);
  if (life & MC_FUTEX_DIED)
    return true;
  uint32_t generation = (uint32_t)(seat >> 32);
  if (life != mc_life_reserved(generation))
    return false;
  uint64_t parent = __atomic_load_n(&slot->parent, __ATOMIC_RELAXED);
  return mc_member_gone(mc_member_unpack(parent)) &&
         mc_life_end_reserved(slot, generation);
}

static bool anybody_dead(void) {
  uint32_t high = __atomic_load_n(&mc_space->seats_high, __ATOMIC_ACQUIRE);
  for (uint32_t i = 0; i < high; i++)
    if (is_dead(i, __atomic_load_n(&mc_space->seats[i], __ATOMIC_ACQUIRE)))
      return true;
  return false;
}

/* Deaths leave the count of the awake wrong: counts anew. It is a hint, so a race is no
 * harm. */
static void recount_awake(void) {
  uint32_t awake = 0;
  for (uint32_t i = 0; i < mc_space->seats_high; i++)
    if ((mc_space->seats[i] & MC_SEAT_USED) &&
        __atomic_load_n(&mc_slot(i)->counted, __ATOMIC_RELAXED))
      awake++;
  __atomic_store_n(&mc_space->awake, awake, __ATOMIC_RELAXED);
}

int mc_members_reap(void) {
  if (!anybody_dead())
    return 0;
  int n = 0;
  mc_lock(&mc_space->members_lock);
  for (uint32_t i = 0; i < mc_space->seats_high; i++) {
    uint64_t seat = mc_space->seats[i];
    if (!is_dead(i, seat))
      continue;
    reap_slot(i, (uint32_t)(seat >> 32));
    n++;
  }
  if (n)
    recount_awake();
  mc_unlock(&mc_space->members_lock);
  mc_cache_flush_all(); /* what the dead had is for everybody */
  if (n) {
    mc_memory_given(); /* perhaps by one who died before he said so */
    mc_ring_all();
    mc_census_bump();
  }
  return n;
}

void mc_reap_without_watcher(void) {
  uint64_t watcher = __atomic_load_n(&mc_space->watcher, __ATOMIC_ACQUIRE);
  if (watcher == 0 || mc_member_gone(mc_member_unpack(watcher)))
    mc_members_reap();
}
