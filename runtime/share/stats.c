/* Figures about the whole space. */
#include "share/cache.h"
#include "share/layout.h"
#include "share/lock.h"
#include "share/space.h"

#include <string.h>

static uint64_t free_in_depots(void) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < MC_CLASSES; i++) {
    struct mc_depot *depot = &mc_space->depots[i];
    mc_lock(&depot->lock);
    for (mc_ref m = depot->magazines; m; m = mc_block(m)->next_magazine)
      bytes += (uint64_t)mc_block(m)->magazine_count * mc_class_bytes[i];
    mc_unlock(&depot->lock);
  }
  return bytes;
}

/* Others take and free meanwhile: exact when they rest. */
static uint64_t free_in_magazines(uint32_t *members) {
  uint64_t bytes = 0;
  for (uint32_t s = 0; s < mc_space->seats_high; s++) {
    if (!(mc_space->seats[s] & MC_SEAT_USED))
      continue;
    const struct mc_slot *slot = mc_slot(s);
    (*members)++;
    for (uint32_t i = 0; i < MC_CLASSES; i++) {
      const struct mc_magazines *m = &slot->magazines[i];
      uint64_t n = __atomic_load_n(&m->loaded, __ATOMIC_RELAXED) ? m->n_loaded : 0;
      n += __atomic_load_n(&m->spare, __ATOMIC_RELAXED) ? m->n_spare : 0;
      bytes += n * mc_class_bytes[i];
    }
  }
  return bytes;
}

static uint64_t all_blocks(void) {
  const struct mc_span *table = mc_spans();
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < mc_space->brk_spans;) {
    uint32_t use = table[i].use;
    if (use == MC_SPAN_RUN || use == MC_SPAN_FREE) {
      bytes += use == MC_SPAN_RUN ? (uint64_t)table[i].spans * MC_SPAN_BYTES : 0;
      i += table[i].spans;
      continue;
    }
    uint32_t size_class = (use - MC_SPAN_BLOCKS) % (MC_SPAN_PURGING - MC_SPAN_BLOCKS);
    bytes += (uint64_t)mc_class_blocks(size_class) * mc_class_bytes[size_class];
    i++;
  }
  return bytes;
}

void mc_space_stats(struct mc_space_stats *stats) {
  memset(stats, 0, sizeof(*stats));
  mc_lock(&mc_space->members_lock);
  uint64_t unused = free_in_magazines(&stats->members) + free_in_depots();
  mc_lock(&mc_space->heap_lock);
  stats->limit = (uint64_t)mc_space->max_spans * MC_SPAN_BYTES;
  stats->carved = (uint64_t)mc_space->brk_spans * MC_SPAN_BYTES;
  uint64_t blocks = all_blocks();
  mc_unlock(&mc_space->heap_lock);
  stats->in_use = blocks > unused ? blocks - unused : 0;
  mc_unlock(&mc_space->members_lock);
  mc_lock(&mc_space->objects_lock);
  stats->objects = (uint32_t)mc_space->objects;
  mc_unlock(&mc_space->objects_lock);
}
