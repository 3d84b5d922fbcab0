#include "share/local.h"

#include "os/bell.h"

#include <stdlib.h>
#include <string.h>

_Thread_local struct mc_local *mc_local __attribute__((tls_model("initial-exec")));

static _Thread_local struct mc_local own __attribute__((tls_model("initial-exec")));

bool mc_local_begin(uint32_t generation) {
  struct mc_local *local = &own;
  if (mc_local == NULL) {
    local->kept = calloc(2 * MC_LEASES, sizeof(*local->kept));
    if (local->kept == NULL)
      return false;
    local->kept_task = local->kept + MC_LEASES;
    local->bell = local->sender = -1;
    mc_local = local;
  }
  mc_bell_close(&local->bell);
  mc_bell_close(&local->sender);
  local->generation = generation;
  if (local->n_free_leases != MC_LEASES) {
    memset(local->free_leases, 0xff, sizeof(local->free_leases));
    local->n_free_leases = MC_LEASES;
  }
  if (local
          ->n_kept) { /* its pages are left alone else: a child would have to copy them */
    memset(local->kept, 0, MC_LEASES * sizeof(*local->kept));
    local->n_kept = 0;
  }
  local->deferred = 0;
  local->short_spins = local->in_step = local->pace_pause = 0;
  local->yield_pause = local->yield_next = 0;
  local->reserved = false;
  local->bell_seen = 0;
  local->given_seen = 0;
  local->purged_at = UINT32_MAX;
  local->n_hold_blocks = 0;
  return true;
}

void mc_local_end(void) {
  if (mc_local == NULL)
    return;
  mc_bell_close(&mc_local->bell);
  mc_bell_close(&mc_local->sender);
  free(mc_local->holds);
  free(mc_local->hold_blocks);
  free(mc_local->kept);
  memset(mc_local, 0, sizeof(*mc_local));
  mc_local = NULL;
}

static uint32_t place_of(mc_ref object) {
  return (object * 0x9e3779b1u >> 7) & (mc_local->holds_size - 1);
}

struct mc_hold *mc_local_find(mc_ref object) {
  if (mc_local->holds_size == 0)
    return NULL;
  for (uint32_t i = place_of(object);; i = (i + 1) & (mc_local->holds_size - 1)) {
    struct mc_hold *hold = &mc_local->holds[i];
    if (hold->object == object)
      return hold;
    if (hold->object == 0)
      return NULL;
  }
}

static struct mc_hold *insert(mc_ref object) {
  uint32_t i = place_of(object);
  while (mc_local->holds[i].object)
    i = (i + 1) & (mc_local->holds_size - 1);
  mc_local->holds[i].object = object;
  return &mc_local->holds[i];
}

bool mc_local_reserve(void) {
  struct mc_local *local = mc_local;
  if ((local->holds_used + 1) * 2 <= local->holds_size)
    return true;
  uint32_t old_size = local->holds_size;
  struct mc_hold *old = local->holds;
  uint32_t size = old_size ? old_size * 2 : 32;
  struct mc_hold *holds = calloc(size, sizeof(*holds));
  if (holds == NULL)
    return false;
  local->holds = holds;
  local->holds_size = size;
  for (uint32_t i = 0; i < old_size; i++)
    if (old[i].object)
      *insert(old[i].object) = old[i];
  free(old);
  return true;
}

struct mc_hold *mc_local_add(mc_ref object, uint32_t index) {
  struct mc_hold *hold = insert(object);
  hold->count = 1;
  hold->index = index;
  mc_local->holds_used++;
  return hold;
}

/* Closes the gap, so that no search stops too early. */
void mc_local_remove(struct mc_hold *hold) {
  uint32_t mask = mc_local->holds_size - 1;
  uint32_t gap = (uint32_t)(hold - mc_local->holds);
  mc_local->holds_used--;
  for (uint32_t i = (gap + 1) & mask; mc_local->holds[i].object; i = (i + 1) & mask) {
    uint32_t home = place_of(mc_local->holds[i].object);
    if (((i - home) & mask) < ((i - gap) & mask))
      continue;
    mc_local->holds[gap] = mc_local->holds[i];
    gap = i;
  }
  memset(&mc_local->holds[gap], 0, sizeof(mc_local->holds[gap]));
}
