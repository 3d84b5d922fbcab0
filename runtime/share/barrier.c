/* Barriers. The roll has those who wait; b is the phase that they wait for. `value` is
 * how many have come in this phase, `owner` is who acts. */
#include "share/barrier.h"

#include "base/error.h"
#include "share/lock.h"
#include "share/member_state.h"
#include "share/sync_layout.h"
#include "share/undo.h"
#include "share/wake.h"

int mc_barrier_create(uint32_t parties, mc_ref action, mc_ref *barrier) {
  struct mc_sync *sync;
  int error = mc_sync_begin(MC_KIND_BARRIER, &action, 1, &sync);
  if (error)
    return error;
  sync->limit = parties;
  *barrier = mc_sync_finish(sync, MC_KIND_BARRIER);
  return 0;
}

static uint64_t self_packed(void) {
  return mc_member_pack(mc_member_self());
}

/* In a section: the phase is over. Notes who is to be rung. 4 stores. */
static void pass(struct mc_sync *sync, bool broke, struct mc_ringing *ringing) {
  for (uint32_t i = 0; i < sync->n_roll; i++) {
    const struct mc_entry *entry = mc_roll_entry(sync, i);
    if (entry->b == (uint32_t)sync->phase)
      mc_ringing_add(ringing, entry->member);
  }
  mc_set64(&sync->broke, sync->broke << 1 | broke);
  mc_set64(&sync->phase, sync->phase + 1);
  mc_set64(&sync->value, 0);
  mc_set64(&sync->owner, 0);
}

static void break_it(struct mc_sync *sync, struct mc_ringing *ringing) {
  mc_undo_begin(&sync->lock);
  mc_set32(&sync->broken, 1);
  pass(sync, true, ringing);
  mc_undo_commit();
}

static void remove_entry(struct mc_sync *sync, uint32_t i) {
  mc_undo_begin(&sync->lock);
  mc_roll_remove(sync, i);
  mc_undo_commit();
}

/* The dead break the phase that they took part in. */
static void bury(struct mc_sync *sync, struct mc_ringing *ringing) {
  if (sync->owner && mc_member_gone(mc_member_unpack(sync->owner)))
    break_it(sync, ringing);
  for (uint32_t i = sync->n_roll; i-- > 0;) {
    const struct mc_entry *entry = mc_roll_entry(sync, i);
    if (!mc_entry_gone(entry))
      continue;
    if (entry->b == (uint32_t)sync->phase)
      break_it(sync, ringing);
    remove_entry(sync, i);
  }
}

static void leave_lock(struct mc_sync *sync, const struct mc_ringing *ringing) {
  mc_roll_unlock(sync);
  mc_ringing_ring(ringing);
  if (__atomic_load_n(&sync->owner, __ATOMIC_RELAXED) == 0)
    mc_wake(&sync->waiters, UINT64_MAX); /* those who wait for the end of an action */
}

static int come(struct mc_sync *sync, struct mc_arrival *arrival,
                struct mc_ringing *ringing) {
  if (sync->broken)
    return MC_BROKEN;
  if (sync->owner)
    return MC_BUSY;
  arrival->phase = sync->phase;
  arrival->ticket = sync->tickets;
  arrival->index = (uint32_t)sync->value + 1;
  bool last = arrival->index == sync->limit;
  bool acts = last && sync->partner[0];
  mc_undo_begin(&sync->lock);
  if (last && !acts) {
    pass(sync, false, ringing);
  } else {
    mc_set64(&sync->value, sync->value + 1);
    mc_set32(&sync->tickets, sync->tickets + 1);
    if (acts)
      mc_set64(&sync->owner, self_packed());
    else
      mc_roll_append(sync, arrival->ticket, (uint32_t)sync->phase);
  }
  mc_undo_commit();
  return acts ? MC_BARRIER_ACT : last ? MC_BARRIER_OPEN : MC_BARRIER_SHUT;
}

int mc_barrier_enter(mc_ref barrier, struct mc_arrival *arrival) {
  struct mc_sync *sync = mc_at(barrier);
  struct mc_ringing ringing = {0};
  int rc = mc_roll_lock(sync);
  if (rc)
    return rc;
  bury(sync, &ringing);
  rc = come(sync, arrival, &ringing);
  leave_lock(sync, &ringing);
  return rc;
}

/* More than 64 phases ago nobody can tell: a phase passes only by a barrier's parties,
 * and it has let others in so often meanwhile; it counts as broken. */
static int outcome(const struct mc_sync *sync, const struct mc_arrival *arrival) {
  uint64_t ago = sync->phase - arrival->phase;
  if (ago == 0)
    return MC_BARRIER_SHUT;
  bool broke = ago > 64 || (sync->broke >> (ago - 1) & 1);
  return broke ? MC_BROKEN : MC_BARRIER_OPEN;
}

int mc_barrier_state(mc_ref barrier, const struct mc_arrival *arrival) {
  struct mc_sync *sync = mc_at(barrier);
  struct mc_ringing ringing = {0};
  mc_lock(&sync->lock);
  bury(sync, &ringing);
  int rc = outcome(sync, arrival);
  leave_lock(sync, &ringing);
  return rc;
}

int mc_barrier_leave(mc_ref barrier, const struct mc_arrival *arrival) {
  struct mc_sync *sync = mc_at(barrier);
  struct mc_ringing ringing = {0};
  mc_lock(&sync->lock);
  int rc = outcome(sync, arrival);
  if (rc == MC_BARRIER_SHUT)
    break_it(sync, &ringing);
  uint32_t i = mc_roll_find(sync, arrival->ticket);
  if (i != MC_NO_ENTRY)
    remove_entry(sync, i);
  leave_lock(sync, &ringing);
  return rc;
}

int mc_barrier_open(mc_ref barrier, const struct mc_arrival *arrival) {
  struct mc_sync *sync = mc_at(barrier);
  struct mc_ringing ringing = {0};
  int rc = MC_BROKEN;
  mc_lock(&sync->lock);
  bury(sync, &ringing);
  if (sync->phase == arrival->phase && sync->owner == self_packed()) {
    mc_undo_begin(&sync->lock);
    pass(sync, false, &ringing);
    mc_undo_commit();
    rc = MC_BARRIER_OPEN;
  }
  leave_lock(sync, &ringing);
  return rc;
}

bool mc_barrier_quiet(mc_ref barrier) {
  struct mc_sync *sync = mc_at(barrier);
  uint64_t owner = __atomic_load_n(&sync->owner, __ATOMIC_ACQUIRE);
  return owner == 0 || mc_member_gone(mc_member_unpack(owner));
}

void mc_barrier_break(mc_ref barrier) {
  struct mc_sync *sync = mc_at(barrier);
  struct mc_ringing ringing = {0};
  mc_lock(&sync->lock);
  break_it(sync, &ringing);
  leave_lock(sync, &ringing);
}

void mc_barrier_reset(mc_ref barrier) {
  struct mc_sync *sync = mc_at(barrier);
  struct mc_ringing ringing = {0};
  mc_lock(&sync->lock);
  mc_undo_begin(&sync->lock);
  mc_set32(&sync->broken, 0);
  if (sync->value)
    pass(sync, true, &ringing);
  mc_undo_commit();
  leave_lock(sync, &ringing);
}

uint32_t mc_barrier_parties(mc_ref barrier) {
  return (uint32_t)((const struct mc_sync *)mc_at(barrier))->limit;
}

struct look {
  uint32_t waiting;
  bool broken;
};

/* What it is like once the dead count no more. */
static struct look look(mc_ref barrier) {
  struct mc_sync *sync = mc_at(barrier);
  struct mc_ringing ringing = {0};
  mc_lock(&sync->lock);
  bury(sync, &ringing);
  struct look seen = {(uint32_t)sync->value, sync->broken != 0};
  leave_lock(sync, &ringing);
  return seen;
}

uint32_t mc_barrier_waiting(mc_ref barrier) {
  return look(barrier).waiting;
}

bool mc_barrier_broken(mc_ref barrier) {
  return look(barrier).broken;
}

mc_ref mc_barrier_action(mc_ref barrier) {
  return ((const struct mc_sync *)mc_at(barrier))->partner[0];
}
