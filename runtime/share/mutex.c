/* Locks: see mutex.h.
 *
 * All there is to know is one word, `owner`, which changes by compare-and-swap alone: it
 * is the commit of taking and of giving back, so there is nothing to recover. `task` and
 * `value` (how often) belong to the owner, which writes them while it has the word; to
 * anybody else they mean nothing. */
#include "share/mutex.h"

#include "base/error.h"
#include "share/member_state.h"
#include "share/sync_layout.h"
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

static uint64_t owner_of(const struct mc_sync *sync) {
  return __atomic_load_n(&sync->owner, __ATOMIC_ACQUIRE);
}

static bool change_owner(struct mc_sync *sync, uint64_t from, uint64_t to) {
  /* A full barrier too: a wake-up that follows must see sleepers that came before. */
  return __atomic_compare_exchange_n(&sync->owner, &from, to, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED);
}

static void set_task(struct mc_sync *sync, uint64_t task, uint64_t depth) {
  __atomic_store_n(&sync->task, task, __ATOMIC_RELAXED);
  __atomic_store_n(&sync->value, depth, __ATOMIC_RELAXED);
}

/* How often the task has it, given who the owner is. */
static uint64_t depth_of(const struct mc_sync *sync, uint64_t owner, uint64_t task) {
  if (owner != mc_member_pack(mc_member_self()) ||
      __atomic_load_n(&sync->task, __ATOMIC_RELAXED) != task)
    return 0;
  return __atomic_load_n(&sync->value, __ATOMIC_RELAXED);
}

int mc_mutex_try(mc_ref mutex, uint64_t task, uint32_t depth) {
  struct mc_sync *sync = mc_at(mutex);
  uint64_t owner = owner_of(sync);
  uint64_t has = depth_of(sync, owner, task);
  if (has && sync->object.kind != MC_KIND_RLOCK)
    return MC_DEADLOCK;
  if (has) {
    set_task(sync, task, has + depth);
    return MC_TAKEN;
  }
  if (is_alive(owner) || !change_owner(sync, owner, mc_member_pack(mc_member_self())))
    return MC_BUSY; /* one who was faster has it now, or had */
  set_task(sync, task, depth);
  return owner ? MC_ABANDONED : MC_TAKEN;
}

int mc_mutex_release(mc_ref mutex, uint64_t task, bool own, uint32_t depth) {
  struct mc_sync *sync = mc_at(mutex);
  for (;;) {
    uint64_t owner = owner_of(sync);
    uint64_t has = depth_of(sync, owner, task);
    if (!has && !is_alive(owner))
      return MC_NOTHELD;
    if (!has && (own || sync->object.kind == MC_KIND_RLOCK))
      return MC_NOTOWNER;
    if (depth < has) {
      set_task(sync, task, has - depth);
      return 0;
    }
    if (change_owner(sync, owner, 0))
      break;
  }
  mc_wake(&sync->waiters, 1);
  return 0;
}

uint32_t mc_mutex_depth(mc_ref mutex, uint64_t task) {
  const struct mc_sync *sync = mc_at(mutex);
  return (uint32_t)depth_of(sync, owner_of(sync), task);
}

bool mc_mutex_locked(mc_ref mutex) {
  return is_alive(owner_of(mc_at(mutex)));
}
