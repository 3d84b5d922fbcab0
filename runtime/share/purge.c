#include "share/purge.h"

#include "share/cache.h"
#include "share/heap.h"
#include "share/local.h"
#include "share/lock.h"
#include "share/undo.h"

#include <stdlib.h>
#include <string.h>

static bool is_purging(mc_ref ref) {
  uint32_t use = __atomic_load_n(&mc_spans()[mc_span_of(ref)].use, __ATOMIC_RELAXED);
  return use >= MC_SPAN_PURGING;
}

/* Drops marked blocks from one magazine. Its new first block, or 0 when nothing stays. */
static mc_ref filter_magazine(mc_ref magazine) {
  mc_ref next_magazine = mc_block(magazine)->next_magazine;
  mc_ref first = magazine;
  while (first && is_purging(first))
    first = mc_block(first)->next;
  if (first == 0)
    return 0;
  uint32_t n = 1;
  mc_ref at = first;
  for (mc_ref next; (next = mc_block(at)->next) != 0;) {
    if (is_purging(next)) {
      mc_block(at)->next = mc_block(next)->next;
    } else {
      at = next;
      n++;
    }
  }
  mc_block(first)->next_magazine = next_magazine;
  mc_block(first)->magazine_count = n;
  mc_order();
  return first;
}

/* Each store leaves a depot that is whole, so this can be run again from the start. */
static void filter(struct mc_depot *depot) {
  mc_ref *link = &depot->magazines;
  while (*link) {
    mc_ref after = mc_block(*link)->next_magazine;
    mc_ref kept = filter_magazine(*link);
    __atomic_store_n(link, kept ? kept : after, __ATOMIC_RELEASE);
    mc_order();
    if (kept)
      link = &mc_block(kept)->next_magazine;
  }
}

/* Gives the marked spans of a class to the heap. Walks from run to run; the ends of runs
 * that merge under its feet keep their marks. */
static uint32_t release(uint32_t size_class) {
  struct mc_span *table = mc_spans();
  uint32_t n = 0;
  mc_lock(&mc_space->heap_lock);
  for (uint32_t i = 0; i < mc_space->brk_spans;) {
    uint32_t use = table[i].use;
    if (use == MC_SPAN_PURGING + size_class) {
      mc_undo_begin(&mc_space->heap_lock);
      mc_heap_insert(i, 1);
      mc_undo_commit();
      n++;
      i++;
    } else {
      i += use == MC_SPAN_RUN || use == MC_SPAN_FREE ? table[i].spans : 1;
    }
  }
  mc_unlock(&mc_space->heap_lock);
  return n;
}

static uint32_t finish(uint32_t size_class) {
  struct mc_depot *depot = &mc_space->depots[size_class];
  filter(depot);
  uint32_t n = release(size_class);
  mc_order();
  depot->purging = 0;
  mc_order();
  return n;
}

void mc_purge_recover(uint32_t size_class) {
  if (mc_space->depots[size_class].purging)
    finish(size_class);
}

/* Marks the spans whose blocks are all in the depot. `counts` has a zero for each span.
 */
static bool mark(uint32_t size_class, uint32_t *counts, uint32_t spans) {
  struct mc_depot *depot = &mc_space->depots[size_class];
  bool any = false;
  for (mc_ref m = depot->magazines; m; m = mc_block(m)->next_magazine)
    for (mc_ref b = m; b; b = mc_block(b)->next)
      if (mc_span_of(b) < spans)
        counts[mc_span_of(b)]++;
  depot->purging = 1;
  mc_order();
  for (uint32_t i = 0; i < spans; i++) {
    if (counts[i] != mc_class_blocks(size_class))
      continue;
    __atomic_store_n(&mc_spans()[i].use, MC_SPAN_PURGING + size_class, __ATOMIC_RELAXED);
    any = true;
  }
  mc_order();
  return any;
}

static uint32_t purge_class(uint32_t size_class, uint32_t *counts, uint32_t spans) {
  struct mc_depot *depot = &mc_space->depots[size_class];
  if (__atomic_load_n(&depot->magazines, __ATOMIC_RELAXED) == 0)
    return 0;
  uint32_t n = 0;
  memset(counts, 0, spans * sizeof(*counts));
  mc_lock(&depot->lock);
  if (mark(size_class, counts, spans))
    n = finish(size_class);
  depot->purging = 0;
  mc_unlock(&depot->lock);
  return n;
}

bool mc_purge(void) {
  uint32_t given = __atomic_load_n(&mc_space->given, __ATOMIC_ACQUIRE);
  if (mc_local->purged_at == given)
    return false; /* nothing came back since the last time, which found nothing */
  uint32_t spans = __atomic_load_n(&mc_space->brk_spans, __ATOMIC_ACQUIRE);
  uint32_t *counts = calloc(spans ? spans : 1, sizeof(*counts));
  if (counts == NULL)
    return false;
  mc_cache_flush_all();
  given = __atomic_load_n(&mc_space->given, __ATOMIC_ACQUIRE);
  uint32_t n = 0;
  for (uint32_t i = 0; i < MC_CLASSES; i++)
    if (i != MC_CLASS_OBJECT)
      n += purge_class(i, counts, spans);
  free(counts);
  if (n == 0)
    mc_local->purged_at = given;
  return n != 0;
}
