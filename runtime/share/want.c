#include "share/want.h"

#include "share/event.h"
#include "share/local.h"
#include "share/member_state.h"
#include "share/object.h"
#include "share/queue_state.h"
#include "share/sync_layout.h"
#include "share/wake.h"

static bool readable(const struct mc_wait_for *wait) {
  const struct mc_queue *queue = mc_at(wait->object);
  return mc_queue_has_items(queue) || mc_queue_is_closed(queue);
}

static bool writable(const struct mc_wait_for *wait) {
  const struct mc_queue *queue = mc_at(wait->object);
  return mc_queue_room(queue) > 0 || mc_queue_is_closed(queue);
}

static bool memory_given(const struct mc_wait_for *wait) {
  (void)wait;
  return __atomic_load_n(&mc_space->given, __ATOMIC_SEQ_CST) != mc_local->given_seen;
}

static bool all_done(const struct mc_wait_for *wait) {
  return mc_queue_unfinished(wait->object) == 0;
}

static bool unlocked(const struct mc_wait_for *wait) {
  const struct mc_sync *lock = mc_at(wait->object);
  uint64_t owner = __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE);
  return owner == 0 || mc_member_gone(mc_member_unpack(owner));
}

/* Permits of the dead are not seen; but every death rings all bells. */
static bool has_permit(const struct mc_wait_for *wait) {
  const struct mc_sync *semaphore = mc_at(wait->object);
  return __atomic_load_n(&semaphore->value, __ATOMIC_ACQUIRE) != 0;
}

static bool is_set(const struct mc_wait_for *wait) {
  const struct mc_sync *event = mc_at(wait->object);
  uint64_t value = __atomic_load_n(&event->value, __ATOMIC_ACQUIRE);
  uint32_t since = wait->want >> 8;
  return (value & 1) || (since && since != mc_event_short(value));
}

/* mask: its offset in the object, or, when there is none, in the space. */
static const struct want {
  bool (*is_ready)(const struct mc_wait_for *wait);
  size_t mask;
  bool of_space;
} wants[MC_WANTS] = {
    [MC_READABLE] = {readable, offsetof(struct mc_queue, readers), false},
    [MC_WRITABLE] = {writable, offsetof(struct mc_queue, writers), false},
    [MC_MEMORY] = {memory_given, offsetof(struct mc_space, hungry), true},
    [MC_DONE] = {all_done, offsetof(struct mc_space, joiners), true},
    [MC_UNLOCKED] = {unlocked, offsetof(struct mc_sync, waiters), false},
    [MC_PERMIT] = {has_permit, offsetof(struct mc_sync, waiters), false},
    [MC_SET] = {is_set, offsetof(struct mc_sync, waiters), false},
};

bool mc_want_is_ready(const struct mc_wait_for *wait) {
  return wants[wait->want & 0xff].is_ready(wait);
}

struct mc_mask *mc_want_mask(const struct mc_wait_for *wait) {
  const struct want *want = &wants[wait->want & 0xff];
  char *base = want->of_space ? (char *)mc_space : mc_at(wait->object);
  return (struct mc_mask *)(base + want->mask);
}

void mc_want_forget(mc_ref object, uint32_t slot) {
  enum mc_kind kind = mc_object_kind(object);
  if (kind == MC_KIND_QUEUE) {
    struct mc_queue *queue = mc_at(object);
    mc_mask_clear(&queue->readers, slot);
    mc_mask_clear(&queue->writers, slot);
  } else if (mc_kind_is_sync(kind)) {
    struct mc_sync *sync = mc_at(object);
    mc_mask_clear(&sync->waiters, slot);
  }
}
