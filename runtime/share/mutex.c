/* Locks: see mutex.h. `owner`, `task` and `value` (how often) change together. */
#include "share/mutex.h"

#include "base/error.h"
#include "share/lock.h"
#include "share/member_state.h"
#include "share/sync_layout.h"
#include "share/undo.h"
#include "share/wake.h"

int mc_mutex_create(bool reentrant, mc_ref *mutex) {
  enum mc_kind kind = reentrant ? MC_KIND_RLOCK : MC_KIND_LOCK;
  struct mc_sync *sync;
  int error = mc_sync_begin(kind, NULL, 0, &sync);
  if (error)
    return error;
  *mutex = mc_sync_finish(sync, kind);
  return 0;
}

static bool is_alive(uint64_t owner) {
  return owner != 0 && !mc_member_gone(mc_member_unpack(owner));
}

/* Under the lock: how often it is held by now for the task, or an error. */
static int take(struct mc_sync *sync, uint64_t self, uint64_t task, uint32_t depth) {
  uint64_t owner = sync->owner;
  bool alive = is_alive(owner);
  bool mine = owner == self && sync->task == task;
  if (mine && sync->object.kind != MC_KIND_RLOCK)
    return MC_DEADLOCK;
  if (alive && !mine)
    return MC_BUSY;
  mc_undo_begin(&sync->lock);
  mc_set64(&sync->owner, self);
  mc_set64(&sync->task, task);
  mc_set64(&sync->value, mine ? sync->value + depth : depth);
  mc_undo_commit();
  return owner && !alive ? MC_ABANDONED : MC_TAKEN;
}

int mc_mutex_try(mc_ref mutex, uint64_t task, uint32_t depth) {
  struct mc_sync *sync = mc_at(mutex);
  uint64_t self = mc_member_pack(mc_member_self());
  uint64_t owner = __atomic_load_n(&sync->owner, __ATOMIC_ACQUIRE);
  if (owner != self && is_alive(owner))
    return MC_BUSY;
  mc_lock(&sync->lock);
  int rc = take(sync, self, task, depth);
  mc_unlock(&sync->lock);
  return rc;
}

int mc_mutex_release(mc_ref mutex, uint64_t task, bool own, uint32_t depth) {
  struct mc_sync *sync = mc_at(mutex);
  uint64_t self = mc_member_pack(mc_member_self());
  int rc = 0;
  mc_lock(&sync->lock);
  bool mine = sync->owner == self && sync->task == task;
  if (!is_alive(sync->owner)) {
    rc = MC_NOTHELD;
  } else if (!mine && (own || sync->object.kind == MC_KIND_RLOCK)) {
    rc = MC_NOTOWNER;
  } else if (depth < sync->value) {
    __atomic_store_n(&sync->value, sync->value - depth, __ATOMIC_RELEASE);
  } else {
    mc_undo_begin(&sync->lock);
    mc_set64(&sync->owner, 0);
    mc_set64(&sync->task, 0);
    mc_set64(&sync->value, 0);
    mc_undo_commit();
  }
  bool is_free = sync->owner == 0;
  mc_unlock(&sync->lock);
  if (rc == 0 && is_free)
    mc_wake(&sync->waiters, 1);
  return rc;
}

uint32_t mc_mutex_depth(mc_ref mutex, uint64_t task) {
  struct mc_sync *sync = mc_at(mutex);
  mc_lock(&sync->lock);
  bool mine = sync->owner == mc_member_pack(mc_member_self()) && sync->task == task;
  uint32_t depth = mine ? (uint32_t)sync->value : 0;
  mc_unlock(&sync->lock);
  return depth;
}

bool mc_mutex_locked(mc_ref mutex) {
  const struct mc_sync *sync = mc_at(mutex);
  return is_alive(__atomic_load_n(&sync->owner, __ATOMIC_ACQUIRE));
}
