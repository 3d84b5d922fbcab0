/* Conditions. The roll has those who wait, by ticket; b is 1 for those that a
 * notification chose, and all whose ticket is before `all` are notified. */
#include "share/condition.h"

#include "base/error.h"
#include "share/lock.h"
#include "share/sync_layout.h"
#include "share/undo.h"

int mc_condition_create(mc_ref lock, mc_ref *condition) {
  struct mc_sync *sync;
  int error = mc_sync_begin(MC_KIND_CONDITION, &lock, 1, &sync);
  if (error)
    return error;
  *condition = mc_sync_finish(sync, MC_KIND_CONDITION);
  return 0;
}

mc_ref mc_condition_lock(mc_ref condition) {
  return ((const struct mc_sync *)mc_at(condition))->partner[0];
}

/* Tickets wrap around. */
static bool is_before(uint32_t a, uint32_t b) {
  return (int32_t)(a - b) < 0;
}

static bool is_notified(const struct mc_sync *sync, const struct mc_entry *entry) {
  return entry->b || is_before(entry->a, sync->all);
}

/* The one that waits for the longest time. */
static struct mc_entry *oldest(struct mc_sync *sync) {
  struct mc_entry *first = NULL;
  for (uint32_t i = 0; i < sync->n_roll; i++) {
    struct mc_entry *entry = mc_roll_entry(sync, i);
    if (is_notified(sync, entry) || (first && !is_before(entry->a, first->a)))
      continue;
    if (!mc_entry_gone(entry))
      first = entry;
  }
  return first;
}

/* Removes entry i; a notification that was for it alone goes to another. */
static void remove_entry(struct mc_sync *sync, uint32_t i, bool pass_on,
                         struct mc_ringing *ringing) {
  struct mc_entry *next = NULL;
  if (pass_on && mc_roll_entry(sync, i)->b)
    next = oldest(sync);
  mc_undo_begin(&sync->lock);
  if (next) {
    mc_set32(&next->b, 1);
    mc_ringing_add(ringing, next->member);
  }
  mc_roll_remove(sync, i);
  mc_undo_commit();
}

static void bury(struct mc_sync *sync, struct mc_ringing *ringing) {
  for (uint32_t i = sync->n_roll; i-- > 0;)
    if (mc_entry_gone(mc_roll_entry(sync, i)))
      remove_entry(sync, i, true, ringing);
}

int mc_condition_enter(mc_ref condition, uint32_t *ticket) {
  struct mc_sync *sync = mc_at(condition);
  int error = mc_roll_lock(sync);
  if (error)
    return error;
  *ticket = sync->tickets;
  mc_undo_begin(&sync->lock);
  mc_set32(&sync->tickets, *ticket + 1);
  mc_roll_append(sync, *ticket, 0);
  mc_undo_commit();
  mc_roll_unlock(sync);
  return 0;
}

bool mc_condition_notified(mc_ref condition, uint32_t ticket) {
  struct mc_sync *sync = mc_at(condition);
  struct mc_ringing ringing = {0};
  mc_lock(&sync->lock);
  bury(sync, &ringing);
  uint32_t i = mc_roll_find(sync, ticket);
  bool notified = i != MC_NO_ENTRY && is_notified(sync, mc_roll_entry(sync, i));
  mc_unlock(&sync->lock);
  mc_ringing_ring(&ringing);
  return notified;
}

bool mc_condition_leave(mc_ref condition, uint32_t ticket, bool taken) {
  struct mc_sync *sync = mc_at(condition);
  struct mc_ringing ringing = {0};
  bool notified = false;
  mc_lock(&sync->lock);
  uint32_t i = mc_roll_find(sync, ticket);
  if (i != MC_NO_ENTRY) {
    notified = is_notified(sync, mc_roll_entry(sync, i));
    remove_entry(sync, i, !taken, &ringing);
  }
  mc_unlock(&sync->lock);
  mc_ringing_ring(&ringing);
  return notified;
}

static uint32_t count(struct mc_sync *sync, struct mc_ringing *ringing) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < sync->n_roll; i++) {
    const struct mc_entry *entry = mc_roll_entry(sync, i);
    if (is_notified(sync, entry))
      continue;
    n++;
    if (ringing)
      mc_ringing_add(ringing, entry->member);
  }
  return n;
}

uint32_t mc_condition_notify(mc_ref condition, uint32_t n) {
  struct mc_sync *sync = mc_at(condition);
  struct mc_ringing ringing = {0};
  mc_lock(&sync->lock);
  bury(sync, &ringing);
  uint32_t waiting = count(sync, NULL);
  if (n >= waiting) {
    n = count(sync, &ringing);
    __atomic_store_n(&sync->all, sync->tickets, __ATOMIC_RELEASE);
  } else {
    for (uint32_t i = 0; i < n; i++) {
      struct mc_entry *entry = oldest(sync);
      if (entry == NULL) { /* they died meanwhile */
        n = i;
        break;
      }
      __atomic_store_n(&entry->b, 1, __ATOMIC_RELEASE);
      mc_ringing_add(&ringing, entry->member);
    }
  }
  mc_unlock(&sync->lock);
  mc_ringing_ring(&ringing);
  return n;
}

uint32_t mc_condition_waiting(mc_ref condition) {
  struct mc_sync *sync = mc_at(condition);
  struct mc_ringing ringing = {0};
  mc_lock(&sync->lock);
  bury(sync, &ringing);
  uint32_t n = count(sync, NULL);
  mc_unlock(&sync->lock);
  mc_ringing_ring(&ringing);
  return n;
}
