/* Iterating: one slots block at a time, in the order of positions. */
#include "base/error.h"
#include "share/dict.h"
#include "share/dict_layout.h"

#define END ((uint64_t)MC_STRIPES << 32)

/* A node's position; `tag` is its tag. */
static uint64_t position(struct mc_block *node, uint32_t tag) {
  struct mc_key key = {mc_node_key(node), node->queue, MC_NODE_KIND(node)};
  return (uint64_t)mc_hash_stripe(mc_key_hash(&key)) << 32 | tag;
}

/* The one stripe of a small dict has all positions; a stripe of a large one has its own,
 * for which comparing tags is enough. */
static int copy(const struct mc_slots *slots, bool small, uint64_t from, size_t most,
                struct mc_batch *batch) {
  for (uint32_t i = 0; i < slots->capacity; i++) {
    uint64_t entry = slots->slot[i];
    if (entry <= MC_SLOT_GONE)
      continue;
    uint32_t tag = (uint32_t)(entry >> 32);
    struct mc_block *node = mc_block((mc_ref)entry);
    if (small ? position(node, tag) < from : tag < (uint32_t)from)
      continue;
    int error = mc_batch_add_node(batch, node, true, most);
    if (error)
      return error;
  }
  return 0;
}

/* Where the positions of the slots with that tag end, within their stripe. */
static uint64_t end_of(uint32_t depth, uint32_t tag) {
  return (((uint64_t)tag >> (32 - depth)) + 1) << (32 - depth);
}

/* Forgets the items from number `n` on; none of them has handles. */
static void forget(struct mc_batch *batch, size_t n, size_t bytes) {
  batch->items.length = n * sizeof(struct mc_item);
  batch->bytes.length = bytes;
}

int mc_dict_next(mc_ref dict, uint64_t *cursor, size_t most, struct mc_batch *batch) {
  size_t before = mc_batch_count(batch);
  size_t bytes = batch->bytes.length;
  if (most == SIZE_MAX) /* handles are never copied along */
    most--;
  while (*cursor < END && mc_batch_count(batch) == before) {
    uint32_t tag = (uint32_t)*cursor;
    uint32_t stripe = (uint32_t)(*cursor >> 32);
    struct mc_dict_at at;
    mc_dict_enter(mc_at(dict), stripe, &at);
    bool small = at.dict->stripes == 0;
    /* A small dict has but one slots block, a stripe without entries none. */
    mc_ref ref = mc_stripe_slots(at.stripe, tag);
    uint32_t depth = ref ? mc_slots(ref)->depth : 0;
    int error = ref ? copy(mc_slots(ref), small, *cursor, most, batch) : 0;
    mc_dict_leave(&at);
    if (error) {
      forget(batch, before, bytes);
      return error;
    }
    *cursor = small ? END : ((uint64_t)stripe << 32) + end_of(depth, tag);
  }
  return (int)(mc_batch_count(batch) - before);
}
