/* A slot's list of the objects that its member holds: some inline, the others in blocks.
 */
#include "base/error.h"
#include "share/life.h"
#include "share/local.h"
#include "share/lock.h"
#include "share/message.h"
#include "share/undo.h"

#include <stdlib.h>

/* Adds the next block of the caller's own list to those that are known by number. false:
 * there is none, or no memory. */
static bool know_next(struct mc_slot *slot, struct mc_local *local) {
  uint32_t n = local->n_hold_blocks;
  mc_ref next = n ? mc_block(local->hold_blocks[n - 1])->link : slot->more_holds;
  if (next == 0)
    return false;
  if (n == local->hold_blocks_size) {
    uint32_t size = n ? 2 * n : 16;
    mc_ref *blocks = realloc(local->hold_blocks, size * sizeof(*blocks));
    if (blocks == NULL)
      return false;
    local->hold_blocks = blocks;
    local->hold_blocks_size = size;
  }
  local->hold_blocks[local->n_hold_blocks++] = next;
  return true;
}

/* Where the n-th block of the list is linked; or, when there are fewer, where the list
 * ends. Nobody else changes the list of a living member. */
static mc_ref *link_of(struct mc_slot *slot, uint32_t n) {
  mc_ref *link = &slot->more_holds;
  if (slot == mc_self && n > 0) {
    while (mc_local->n_hold_blocks < n && know_next(slot, mc_local))
      continue;
    uint32_t known = mc_local->n_hold_blocks < n ? mc_local->n_hold_blocks : n;
    if (known)
      link = &mc_block(mc_local->hold_blocks[known - 1])->link;
    n -= known;
  }
  while (n-- && *link)
    link = &mc_block(*link)->link;
  return link;
}

static mc_ref *entry(struct mc_slot *slot, uint32_t index) {
  if (index < MC_HOLDS_INLINE)
    return &slot->holds[index];
  index -= MC_HOLDS_INLINE;
  mc_ref at = *link_of(slot, index / (uint32_t)MC_HOLDS_ENTRIES);
  return &((struct mc_holds *)mc_at(at))->entries[index % MC_HOLDS_ENTRIES];
}

static uint32_t blocks_for(uint32_t holds) {
  if (holds <= MC_HOLDS_INLINE)
    return 0;
  return (holds - MC_HOLDS_INLINE + (uint32_t)MC_HOLDS_ENTRIES - 1) /
         (uint32_t)MC_HOLDS_ENTRIES;
}

int mc_holds_reserve(struct mc_slot *slot) {
  uint32_t n = blocks_for(slot->n_holds + 1);
  if (n == 0)
    return 0;
  mc_ref *link = link_of(slot, n - 1);
  if (*link)
    return 0;
  struct mc_slot *self = mc_self;
  mc_ref ref = mc_block_take(MC_CLASS_HOLDS, &self->pending);
  if (ref == 0)
    return MC_NOMEM;
  mc_lock(&mc_space->objects_lock);
  mc_undo_begin(&mc_space->objects_lock);
  mc_set32(link, ref);
  mc_set32(&self->pending, 0);
  mc_undo_commit();
  mc_unlock(&mc_space->objects_lock);
  return 0;
}

void mc_holds_append(struct mc_slot *slot, mc_ref object) {
  mc_set32(entry(slot, slot->n_holds), object);
  mc_set32(&slot->n_holds, slot->n_holds + 1);
}

void mc_holds_remove(struct mc_slot *slot, uint32_t index) {
  mc_ref *last = entry(slot, slot->n_holds - 1);
  mc_set32(entry(slot, index), *last);
  mc_set32(last, 0);
  mc_set32(&slot->n_holds, slot->n_holds - 1);
}

mc_ref mc_holds_get(struct mc_slot *slot, uint32_t index) {
  return *entry(slot, index);
}

void mc_holds_trim(struct mc_slot *slot) {
  struct mc_slot *self = mc_self;
  uint32_t needed = blocks_for(slot->n_holds);
  if (slot == self && mc_local->n_hold_blocks > needed)
    mc_local->n_hold_blocks = needed;
  for (;;) {
    mc_ref *link = link_of(slot, needed);
    if (*link == 0)
      return;
    while (mc_block(*link)->link) /* the last one first */
      link = &mc_block(*link)->link;
    mc_lock(&mc_space->objects_lock);
    mc_undo_begin(&mc_space->objects_lock);
    mc_set32(&self->pending, *link);
    mc_set32(link, 0);
    mc_undo_commit();
    mc_unlock(&mc_space->objects_lock);
    mc_pending_free();
  }
}
