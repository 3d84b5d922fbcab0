/* All of it happens under the heap lock, in undo sections of fewer than 32 stores. */
#include "share/heap.h"

#include "os/map.h"
#include "share/hunger.h"
#include "share/lock.h"
#include "share/purge.h"
#include "share/undo.h"

#define PLENTY 8 /* memory is not scarce when one part in so many is free */
#define TRIES  8 /* runs of a bin that are looked at before a larger bin is taken */

static uint32_t bin_of(uint32_t spans) {
  uint32_t bin = 31u - (uint32_t)__builtin_clz(spans);
  return bin < MC_BINS ? bin : MC_BINS - 1;
}

static void unlink_run(uint32_t span) {
  struct mc_span *table = mc_spans();
  struct mc_span *run = &table[span];
  if (run->previous)
    mc_set32(&table[run->previous - 1].next, run->next);
  else
    mc_set32(&mc_space->bins[bin_of(run->spans)], run->next);
  if (run->next)
    mc_set32(&table[run->next - 1].previous, run->previous);
}

/* Marks both ends. */
static void mark(uint32_t span, uint32_t spans, uint32_t first, uint32_t last) {
  struct mc_span *table = mc_spans();
  mc_set32(&table[span].use, first);
  mc_set32(&table[span].spans, spans);
  if (spans > 1) {
    mc_set32(&table[span + spans - 1].use, last);
    mc_set32(&table[span + spans - 1].spans, spans);
  }
}

void mc_heap_insert(uint32_t span, uint32_t spans) {
  struct mc_span *table = mc_spans();
  mc_set32(&mc_space->free_spans, mc_space->free_spans + spans);
  if (mc_space->free_spans > mc_space->max_spans / PLENTY)
    __atomic_store_n(&mc_space->scarce, 0, __ATOMIC_RELAXED);
  if (span > 0 &&
      (table[span - 1].use == MC_SPAN_FREE_END || table[span - 1].use == MC_SPAN_FREE)) {
    uint32_t before = table[span - 1].spans;
    span -= before;
    unlink_run(span);
    spans += before;
  }
  uint32_t behind = span + spans;
  if (behind < mc_space->brk_spans && table[behind].use == MC_SPAN_FREE) {
    unlink_run(behind);
    spans += table[behind].spans;
  }
  mark(span, spans, MC_SPAN_FREE, MC_SPAN_FREE_END);
  uint32_t *bin = &mc_space->bins[bin_of(spans)];
  mc_set32(&table[span].previous, 0);
  mc_set32(&table[span].next, *bin);
  if (*bin)
    mc_set32(&table[*bin - 1].previous, span + 1);
  mc_set32(bin, span + 1);
}

/* A free run of at least `spans`: index + 1, or 0. */
static uint32_t find(uint32_t spans) {
  struct mc_span *table = mc_spans();
  uint32_t bin = bin_of(spans);
  uint32_t tries = 0;
  for (uint32_t at = mc_space->bins[bin]; at; at = table[at - 1].next) {
    if (table[at - 1].spans >= spans)
      return at;
    if (++tries == TRIES)
      break;
  }
  for (uint32_t larger = bin + 1; larger < MC_BINS; larger++)
    if (mc_space->bins[larger])
      return mc_space->bins[larger];
  /* The rest of the first bin is the last resort. */
  for (uint32_t at = mc_space->bins[bin]; at; at = table[at - 1].next)
    if (table[at - 1].spans >= spans)
      return at;
  return 0;
}

static bool commit(uint32_t upto) {
  uint32_t from = mc_space->committed_spans;
  if (upto <= from)
    return true;
  uint64_t table_from = mc_space->table_at + from * sizeof(struct mc_span);
  if (mc_map_commit(mc_space, table_from, (upto - from) * sizeof(struct mc_span)) != 0)
    return false;
  if (mc_map_commit(mc_space, mc_space->spans_at + (uint64_t)from * MC_SPAN_BYTES,
                    (uint64_t)(upto - from) * MC_SPAN_BYTES) != 0)
    return false;
  mc_space->committed_spans = upto;
  return true;
}

/* Makes the space grow so that a free run of `spans` is at its end. false: it can't. */
static bool grow(uint32_t spans) {
  struct mc_span *table = mc_spans();
  uint32_t brk = mc_space->brk_spans;
  if (brk > 0 &&
      (table[brk - 1].use == MC_SPAN_FREE_END || table[brk - 1].use == MC_SPAN_FREE))
    spans -= table[brk - 1].spans; /* less than what is wanted, else it had been found */
  uint32_t left = mc_space->max_spans - brk;
  if (spans > left)
    return false;
  /* A bit more than needed: system calls are dear, and so is memory that nobody uses. */
  uint32_t more = brk / 8 < 64 ? brk / 8 : 64;
  if (more < spans || more > left || !commit(brk + more)) {
    more = spans;
    if (!commit(brk + more))
      return false;
  }
  mc_undo_begin(&mc_space->heap_lock);
  mc_set32(&mc_space->brk_spans, brk + more);
  mc_heap_insert(brk, more);
  mc_undo_commit();
  return true;
}

mc_ref mc_heap_take(uint32_t spans, uint32_t use, mc_ref *link) {
  mc_lock(&mc_space->heap_lock);
  uint32_t at = find(spans);
  if (at == 0 && grow(spans))
    at = find(spans);
  if (at == 0) {
    mc_unlock(&mc_space->heap_lock);
    return 0;
  }
  uint32_t span = at - 1;
  uint32_t rest = mc_spans()[span].spans - spans;
  mc_ref ref = mc_span_ref(span);
  if (use == MC_SPAN_RUN) {
    struct mc_block *block = mc_block(ref);
    *block = (struct mc_block){.size_class = MC_CLASS_RUN};
  }
  mc_undo_begin(&mc_space->heap_lock);
  unlink_run(span);
  mc_set32(&mc_space->free_spans, mc_space->free_spans - spans - rest);
  mark(span, spans, use, MC_SPAN_RUN_END);
  if (rest)
    mc_heap_insert(span + spans, rest);
  mc_set32(link, ref);
  mc_undo_commit();
  mc_unlock(&mc_space->heap_lock);
  return ref;
}

mc_ref mc_heap_take_hard(uint32_t spans, mc_ref *link) {
  mc_ref ref = mc_heap_take(spans, MC_SPAN_RUN, link);
  if (ref == 0 && mc_purge())
    ref = mc_heap_take(spans, MC_SPAN_RUN, link);
  if (ref == 0)
    mc_memory_scarce();
  return ref;
}

void mc_heap_give(mc_ref ref, mc_ref *link, mc_ref then) {
  uint32_t span = mc_span_of(ref);
  mc_lock(&mc_space->heap_lock);
  mc_undo_begin(&mc_space->heap_lock);
  mc_set32(link, then);
  mc_heap_insert(span, mc_spans()[span].spans);
  mc_undo_commit();
  mc_unlock(&mc_space->heap_lock);
  mc_memory_given();
}
