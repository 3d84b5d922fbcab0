/* Blocks of the size classes: magazines in the member's slot, depots for all.
 *
 *   pop/push ─ loaded, spare ─ (32 at a time) ─ depot of the class ─ spans of the heap
 *
 * Only a full, an empty or a cold magazine touches a lock. */
#ifndef MC_SHARE_CACHE_H
#define MC_SHARE_CACHE_H

#include "share/hunger.h"
#include "share/layout.h"
#include "share/object.h"

extern const uint16_t mc_class_bytes[MC_CLASSES];

/* Blocks of a class in a span. */
uint32_t mc_class_blocks(uint32_t size_class);

/* The smallest class whose blocks have room for `payload` bytes; MC_CLASS_RUN when none
 * has. */
uint32_t mc_class_for(uint64_t payload);

/* Makes the loaded magazine of the class non-empty. false: no memory. */
bool mc_cache_refill(uint32_t size_class);

/* Makes room for one more block in the loaded magazine. */
void mc_cache_make_room(uint32_t size_class);

/* Gives the caller's magazines of one class, or of all, to the depots. */
void mc_cache_flush(uint32_t size_class);
void mc_cache_flush_all(void);

/* Cuts up the span in mc_self->carved and gives its blocks to the caller and the depot.
 */
void mc_cache_finish_carving(void);

/* Pushes the `n` free blocks that *list begins to the depot and empties *list. Counts
 * them itself when n is 0. *list belongs to the caller or to its victim. */
void mc_depot_give(uint32_t size_class, mc_ref *list, uint32_t n);

/* A block of the class, which is in *link from the instruction on that it left the
 * magazine; n_handles is 0 and link is 0. 0: no memory, *link is as it was. */
static inline mc_ref mc_block_take(uint32_t size_class, mc_ref *link) {
  struct mc_magazines *m = &mc_self->magazines[size_class];
  if (__builtin_expect(m->loaded == 0, 0) && !mc_cache_refill(size_class))
    return 0;
  mc_ref ref = m->loaded;
  struct mc_block *block = mc_block(ref);
  block->link = 0;
  mc_order();
  *link = ref; /* both in the magazine and in the intent: still the magazine's */
  mc_order();
  m->loaded = block->next;
  m->n_loaded--;
  mc_order();
  return ref;
}

/* Frees a block without handles and stores `then` to *link, which was all that held it.
 */
static inline void mc_block_give(mc_ref ref, mc_ref *link, mc_ref then) {
  struct mc_block *block = mc_block(ref);
  uint32_t size_class = block->size_class;
  struct mc_magazines *m = &mc_self->magazines[size_class];
  if (__builtin_expect(m->n_loaded >= mc_space->magazine[size_class], 0))
    mc_cache_make_room(size_class);
  block->next = m->loaded;
  mc_order();
  m->loaded = ref; /* both: the magazine's */
  m->n_loaded++;
  mc_order();
  *link = then;
  mc_order();
  if (__builtin_expect(mc_memory_is_scarce(), 0))
    mc_cache_flush(size_class);
}

#endif
