/* Semaphores. `value` is the free permits, the roll says who has how many of the others.
 *
 * Invariant: value and all of the roll together change only when more are released than
 * were taken. */
#include "share/semaphore.h"

#include "base/error.h"
#include "share/lock.h"
#include "share/member_state.h"
#include "share/sync_layout.h"
#include "share/undo.h"
#include "share/wake.h"

int mc_semaphore_create(uint64_t n, bool bounded, mc_ref *semaphore) {
  enum mc_kind kind = bounded ? MC_KIND_BOUNDED_SEMAPHORE : MC_KIND_SEMAPHORE;
  struct mc_sync *sync;
  int error = mc_sync_begin(kind, NULL, 0, &sync);
  if (error)
    return error;
  sync->value = n;
  sync->limit = bounded ? n : UINT64_MAX;
  sync->tracked = n > 0;
  *semaphore = mc_sync_finish(sync, kind);
  return 0;
}

/* Gives n permits of entry i back. */
static void pay_back(struct mc_sync *sync, uint32_t i, uint32_t n) {
  struct mc_entry *entry = mc_roll_entry(sync, i);
  mc_undo_begin(&sync->lock);
  mc_set64(&sync->value, sync->value + n);
  if (entry->a > n)
    mc_set32(&entry->a, entry->a - n);
  else
    mc_roll_remove(sync, i);
  mc_undo_commit();
}

/* Gives back what the dead had. How many permits that were. */
static uint64_t collect(struct mc_sync *sync) {
  uint64_t n = 0;
  for (uint32_t i = sync->n_roll; i-- > 0;) {
    const struct mc_entry *entry = mc_roll_entry(sync, i);
    if (!mc_entry_gone(entry))
      continue;
    n += entry->a;
    pay_back(sync, i, entry->a);
  }
  return n;
}

static uint32_t own_entry(struct mc_sync *sync) {
  uint64_t self = mc_member_pack(mc_member_self());
  for (uint32_t i = 0; i < sync->n_roll; i++)
    if (mc_roll_entry(sync, i)->member == self)
      return i;
  return MC_NO_ENTRY;
}

static void take(struct mc_sync *sync) {
  uint32_t own = sync->tracked ? own_entry(sync) : MC_NO_ENTRY;
  mc_undo_begin(&sync->lock);
  mc_set64(&sync->value, sync->value - 1);
  if (own != MC_NO_ENTRY) {
    struct mc_entry *entry = mc_roll_entry(sync, own);
    mc_set32(&entry->a, entry->a + 1);
  } else if (sync->tracked) {
    mc_roll_append(sync, 1, 0);
  }
  mc_undo_commit();
}

int mc_semaphore_try(mc_ref semaphore) {
  struct mc_sync *sync = mc_at(semaphore);
  if (!sync->tracked && __atomic_load_n(&sync->value, __ATOMIC_ACQUIRE) == 0)
    return MC_BUSY;
  int error = mc_roll_lock(sync);
  if (error)
    return error;
  uint64_t n = sync->value == 0 ? collect(sync) : 0;
  bool there = sync->value > 0;
  if (there)
    take(sync);
  mc_roll_unlock(sync);
  if (n > 1)
    mc_wake(&sync->waiters, n - 1);
  return there ? 0 : MC_BUSY;
}

/* Takes up to n permits from an entry of the roll, the caller's own first; free ones come
 * out of nothing when nobody has any. How many. */
static uint64_t give_back(struct mc_sync *sync, uint64_t n) {
  uint32_t own = own_entry(sync);
  if (sync->n_roll == 0) {
    __atomic_store_n(&sync->value, sync->value + n, __ATOMIC_RELEASE);
    return n;
  }
  uint32_t i = own == MC_NO_ENTRY ? 0 : own;
  uint32_t has = mc_roll_entry(sync, i)->a;
  uint32_t pays = n < has ? (uint32_t)n : has;
  pay_back(sync, i, pays);
  return pays;
}

int mc_semaphore_release(mc_ref semaphore, uint64_t n) {
  struct mc_sync *sync = mc_at(semaphore);
  mc_lock(&sync->lock);
  uint64_t back = collect(sync);
  bool room = n <= sync->limit - sync->value;
  for (uint64_t left = room ? n : 0; left > 0;)
    left -= give_back(sync, left);
  mc_unlock(&sync->lock);
  mc_wake(&sync->waiters, room ? n + back : back);
  return room ? 0 : MC_TOOMANY;
}

uint64_t mc_semaphore_value(mc_ref semaphore) {
  struct mc_sync *sync = mc_at(semaphore);
  mc_lock(&sync->lock);
  uint64_t back = collect(sync);
  uint64_t value = sync->value;
  mc_unlock(&sync->lock);
  mc_wake(&sync->waiters, back);
  return value;
}
