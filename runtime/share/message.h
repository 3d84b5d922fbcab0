/* A message's block, and the blocks on their way.
 *
 *   header │ obit (in queues that bury) │ handles, padded to 16 │ bytes */
#ifndef MC_SHARE_MESSAGE_H
#define MC_SHARE_MESSAGE_H

#include "share/cache.h"
#include "share/heap.h"
#include "share/layout.h"

static inline struct mc_obit *mc_message_obit(struct mc_block *block) {
  return (struct mc_obit *)(block + 1);
}

static inline mc_ref *mc_message_handles(struct mc_block *block) {
  char *payload = (char *)(block + 1);
  return (mc_ref *)(payload +
                    (block->flags & MC_BLOCK_OBIT ? sizeof(struct mc_obit) : 0));
}

/* Bytes in front of a message's own. */
static inline uint64_t mc_message_overhead(uint64_t flags, uint64_t n_handles) {
  return (flags & MC_BLOCK_OBIT ? sizeof(struct mc_obit) : 0) +
         ((n_handles * sizeof(mc_ref) + 15) & ~(uint64_t)15);
}

static inline unsigned char *mc_message_bytes(struct mc_block *block) {
  return (unsigned char *)(block + 1) +
         mc_message_overhead(block->flags, block->n_handles);
}

/* Counts the n handles in the block's array in their objects, a few in each transaction;
 * so n_handles and the objects agree at every instruction. */
void mc_references_add(struct mc_block *block, uint32_t n);

/* The opposite. Objects that nobody has any more become the caller's to dismantle. */
void mc_references_drop(struct mc_block *block);

/* Frees a block of any kind, handles and all, and stores `then` to *link, which held it.
 */
static inline void mc_message_free(mc_ref ref, mc_ref *link, mc_ref then) {
  struct mc_block *block = mc_block(ref);
  if (__builtin_expect(block->n_handles != 0, 0))
    mc_references_drop(block);
  if (__builtin_expect(block->size_class == MC_CLASS_RUN, 0))
    mc_heap_give(ref, link, then);
  else
    mc_block_give(ref, link, then);
}

/* Frees all that is in mc_self->pending, and in pending_segments. */
void mc_pending_free(void);
void mc_pending_segments_free(void);

#endif
