/* Slots and who sits in them.
 *
 * The life lock's word is the truth about a slot in use:
 *
 *   reserved   MC_LIFE_RESERVED | generation      by the parent
 *      │  compare-and-swap: the child adopts, or the reaper (parent gone), never both
 *      ▼
 *   alive      thread id | FUTEX_WAITERS           on the child's robust list
 *      ▼
 *   dead       FUTEX_OWNER_DIED                    by the kernel, the reaper, or
 * mc_member_leave
 *
 * The kernel only marks a word that holds the thread id of the dying one, and reserved
 * words are above any thread id. A seat says whether the slot is used and by which
 * generation. */
#include "share/member.h"

#include "base/error.h"
#include "os/futex.h"
#include "os/map.h"
#include "share/lease.h"
#include "share/life.h"
#include "share/local.h"
#include "share/lock.h"
#include "share/member_state.h"
#include "share/message.h"
#include "share/sleep.h"
#include "share/undo.h"
#include "share/wake.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

_Thread_local struct mc_slot *mc_self __attribute__((tls_model("initial-exec")));

void mc_census_bump(void) {
  __atomic_fetch_add(&mc_space->census, 1, __ATOMIC_SEQ_CST);
  mc_futex_wake(&mc_space->census, INT_MAX);
}

/* The watcher reads the census, says which seats it watches, looks at them, and sleeps
 * only if the census is still the same: when what it says here is not yet what it will
 * sleep on, that sleep does not begin. */
void mc_census_bump_for(uint32_t index) {
  __atomic_fetch_add(&mc_space->census, 1, __ATOMIC_SEQ_CST);
  if (index >= __atomic_load_n(&mc_space->watched, __ATOMIC_SEQ_CST))
    mc_futex_wake(&mc_space->census, INT_MAX);
}

bool mc_member_gone(struct mc_member member) {
  if (member.slot >= MC_MEMBERS)
    return true;
  uint64_t seat = __atomic_load_n(&mc_space->seats[member.slot], __ATOMIC_ACQUIRE);
  if (!(seat & MC_SEAT_USED) || (uint32_t)(seat >> 32) != member.generation)
    return true;
  uint32_t life = __atomic_load_n(&mc_slot(member.slot)->life.word, __ATOMIC_ACQUIRE);
  return life & MC_FUTEX_DIED;
}

bool mc_member_adopted(struct mc_member member) {
  if (mc_member_gone(member))
    return true;
  uint32_t life = __atomic_load_n(&mc_slot(member.slot)->life.word, __ATOMIC_ACQUIRE);
  return life != mc_life_reserved(member.generation);
}

bool mc_member_alive(struct mc_member member) {
  uint64_t seat = __atomic_load_n(&mc_space->seats[member.slot], __ATOMIC_ACQUIRE);
  uint32_t life = __atomic_load_n(&mc_slot(member.slot)->life.word, __ATOMIC_ACQUIRE);
  return seat == ((uint64_t)member.generation << 32 | MC_SEAT_USED) &&
         life != mc_life_reserved(member.generation) && !(life & MC_FUTEX_DIED);
}

struct mc_member mc_member_self(void) {
  return (struct mc_member){mc_slot_index(mc_self), mc_local->generation};
}

/* All of a free slot is zero but what others may look at, which is set atomically. */
static void init_slot(struct mc_slot *slot, uint32_t generation, uint64_t parent) {
  size_t from = offsetof(struct mc_slot, counted);
  memset((char *)slot + from, 0, sizeof(*slot) - from);
  slot->parent = parent;
  slot->life.owner = 0;
  slot->life.kind = MC_LOCK_LIFE;
  slot->life.next = slot->life.previous = NULL;
  __atomic_store_n(&slot->bell, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&slot->asleep, MC_AWAKE, __ATOMIC_RELAXED);
  __atomic_store_n(&slot->life.word, mc_life_reserved(generation), __ATOMIC_RELEASE);
}

/* Under the members lock: takes a free seat for a child of `parent`. */
static int take_seat(uint64_t parent, struct mc_member *member) {
  for (uint32_t i = 0; i < MC_MEMBERS; i++) {
    uint64_t seat = mc_space->seats[i];
    if (seat & MC_SEAT_USED)
      continue;
    struct mc_slot *slot = mc_slot(i);
    if (mc_map_commit(mc_space, mc_offset_of(slot), sizeof(*slot)) != 0)
      return MC_NOMEM;
    uint32_t generation = (uint32_t)(seat >> 32) + 1;
    init_slot(slot, generation, parent);
    mc_order();
    if (i >= mc_space->seats_high)
      __atomic_store_n(&mc_space->seats_high, i + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&mc_space->seats[i], (uint64_t)generation << 32 | MC_SEAT_USED,
                     __ATOMIC_RELEASE);
    *member = (struct mc_member){i, generation};
    return 0;
  }
  return MC_NOSLOT;
}

int mc_member_first(struct mc_member *member) {
  return take_seat(0, member);
}

/* The child gets a hold on all that the caller holds, in the same order. */
static int copy_holds(struct mc_slot *child) {
  struct mc_slot *self = mc_self;
  for (uint32_t i = 0; i < self->n_holds; i++) {
    if (mc_holds_reserve(child) != 0)
      return MC_NOMEM;
    mc_ref object = mc_holds_get(self, i);
    struct mc_object *at = mc_object_at(object);
    mc_lock(&mc_space->objects_lock);
    mc_undo_begin(&mc_space->objects_lock);
    mc_set32(&at->holders, at->holders + 1);
    mc_holds_append(child, object);
    mc_undo_commit();
    mc_unlock(&mc_space->objects_lock);
  }
  return 0;
}

int mc_member_reserve(struct mc_member *member) {
  mc_local->reserved = true;
  uint64_t parent = mc_member_pack(mc_member_self());
  mc_lock(&mc_space->members_lock);
  int error = take_seat(parent, member);
  mc_unlock(&mc_space->members_lock);
  if (error)
    return error;
  error = copy_holds(mc_slot(member->slot));
  if (error)
    mc_member_cancel(*member);
  return error;
}

void mc_member_cancel(struct mc_member member) {
  if (mc_member_gone(member))
    return;
  if (mc_life_end_reserved(mc_slot(member.slot), member.generation))
    mc_members_reap();
}

/* The life lock of a slot reserved for this generation becomes the calling thread's. */
static bool take_life(struct mc_slot *slot, uint32_t generation) {
  uint32_t reserved = mc_life_reserved(generation);
  mc_robust_pending(&slot->life);
  bool mine = __atomic_compare_exchange_n(&slot->life.word, &reserved,
                                          mc_robust_thread.tid | MC_FUTEX_WAITERS, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  if (mine)
    mc_robust_link(&slot->life);
  mc_robust_pending(NULL);
  return mine;
}

/* The inherited counts are right; the places in the slot's list may have moved. */
static bool rebuild_holds(struct mc_slot *slot) {
  for (uint32_t i = 0; i < slot->n_holds; i++) {
    mc_ref object = mc_holds_get(slot, i);
    struct mc_hold *hold = mc_local_find(object);
    if (hold && hold->index == i)
      continue; /* nothing is written: a child would have to copy the page */
    if (hold)
      hold->index = i;
    else if (mc_local_reserve())
      mc_local_add(object, i);
    else
      return false;
  }
  return true;
}

int mc_member_adopt(struct mc_member member) {
  struct mc_slot *slot = mc_slot(member.slot);
  mc_robust_attach(mc_self ? &mc_self->life : NULL);
  mc_self = NULL;
  if (mc_member_gone(member))
    return MC_STALE;
  /* Before there is anything to be seen dying: see mc_members_watch. */
  mc_census_bump_for(member.slot);
  if (!take_life(slot, member.generation))
    return MC_STALE;
  mc_self = slot;
  slot->pid = getpid();
  mc_awake_count(slot, true);
  if (!mc_local_begin(member.generation) || !rebuild_holds(slot))
    return MC_NOMEM;
  mc_bell_forget();
  return 0;
}

/* Under the members lock: nobody sits there any more. The slot is not touched afterwards.
 */
void mc_seat_free(uint32_t index) {
  uint64_t seat = mc_space->seats[index];
  mc_order();
  __atomic_store_n(&mc_space->seats[index], seat & ~(uint64_t)MC_SEAT_USED,
                   __ATOMIC_RELEASE);
}

/* What is still in hand was not dealt with, as if the member had died. */
static void return_leases(void) {
  struct mc_member self = mc_member_self();
  if (mc_local->n_free_leases == MC_LEASES)
    return;
  for (uint32_t i = 0; i < MC_LEASES; i++) {
    mc_ref lease = mc_self->leases[i];
    if (lease == 0)
      continue;
    const struct mc_queue *queue = mc_at(mc_block(lease)->queue);
    if (queue->on_death == MC_BURY)
      mc_lease_bury(&mc_self->leases[i], self, mc_self->pid);
    else
      mc_lease_put_back(&mc_self->leases[i]);
  }
}

static void drop_holds(void) {
  while (mc_self->n_holds) {
    mc_ref object = mc_holds_get(mc_self, mc_self->n_holds - 1);
    mc_lock(&mc_space->objects_lock);
    mc_undo_begin(&mc_space->objects_lock);
    mc_holds_remove(mc_self, mc_self->n_holds - 1);
    mc_object_less(object, &mc_object_at(object)->holders);
    mc_undo_commit();
    mc_unlock(&mc_space->objects_lock);
    mc_dismantle();
  }
  mc_holds_trim(mc_self);
}

/* The watcher has nothing to do for one that leaves in order, but for the seats that it
 * reserved for children that have not come: they end with it. */
static void leave(void) {
  struct mc_slot *self = mc_self;
  bool reserved = mc_local->reserved;
  return_leases();
  drop_holds();
  mc_cache_flush_all();
  mc_lock(&mc_space->members_lock);
  mc_awake_count(self, false);
  mc_robust_pending(&self->life);
  mc_robust_unlink(&self->life);
  __atomic_store_n(&self->life.word, MC_FUTEX_DIED, __ATOMIC_SEQ_CST);
  mc_robust_pending(NULL);
  mc_seat_free(mc_slot_index(self));
  mc_unlock(&mc_space->members_lock);
  if (reserved)
    mc_census_bump();
  mc_ring_all();
  mc_self = NULL;
}

void mc_member_leave(void) {
  leave();
  mc_local_end();
}

void mc_member_leave_to_exit(void) {
  leave();
}
