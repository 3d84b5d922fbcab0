/* Runs of spans: what messages too large for the size classes, and the classes
 * themselves, are made of. Free runs sit in bins by size, last in first out, and merge
 * with free neighbours. */
#ifndef MC_SHARE_HEAP_H
#define MC_SHARE_HEAP_H

#include "share/layout.h"

/* Takes a run of `spans` and stores its ref to *link, in one transaction. `use` is
 * MC_SPAN_RUN, or MC_SPAN_BLOCKS + class for one span. A RUN's block header is ready,
 * with link 0. The ref, or 0 when there is no such run, then nothing changed. */
mc_ref mc_heap_take(uint32_t spans, uint32_t use, mc_ref *link);

/* A RUN for a message, by purging when there is none. */
mc_ref mc_heap_take_hard(uint32_t spans, mc_ref *link);

/* Gives a run back and stores `then` to *link, in one transaction. Wakes one who is
 * hungry. */
void mc_heap_give(mc_ref ref, mc_ref *link, mc_ref then);

/* Inside a section of the heap lock: makes spans free. At most 14 stores. */
void mc_heap_insert(uint32_t span, uint32_t spans);

/* Spans that could be had at most, were all memory free. */
static inline uint64_t mc_heap_capacity(void) {
  return mc_space->max_spans;
}

#endif
