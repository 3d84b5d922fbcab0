/* An event is one word, so nobody can leave it half done. */
#include "share/event.h"

#include "share/sync_layout.h"
#include "share/wake.h"

int mc_event_create(mc_ref *event) {
  struct mc_sync *sync;
  int error = mc_sync_begin(MC_KIND_EVENT, NULL, 0, &sync);
  if (error)
    return error;
  *event = mc_sync_finish(sync, MC_KIND_EVENT);
  return 0;
}

static uint64_t value_of(mc_ref event) {
  const struct mc_sync *sync = mc_at(event);
  return __atomic_load_n(&sync->value, __ATOMIC_SEQ_CST);
}

void mc_event_set(mc_ref event) {
  struct mc_sync *sync = mc_at(event);
  uint64_t value = value_of(event);
  while (!(value & 1) &&
         !__atomic_compare_exchange_n(&sync->value, &value, value + 3, false,
                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    continue;
  /* Also when it was set before: who did it may have died before it woke anybody. */
  mc_wake(&sync->waiters, UINT64_MAX);
}

void mc_event_clear(mc_ref event) {
  struct mc_sync *sync = mc_at(event);
  __atomic_fetch_and(&sync->value, ~(uint64_t)1, __ATOMIC_SEQ_CST);
}

bool mc_event_is_set(mc_ref event) {
  return value_of(event) & 1;
}

uint32_t mc_event_sets(mc_ref event) {
  return mc_event_short(value_of(event));
}
