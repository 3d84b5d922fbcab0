/* Taking a dict apart that nobody else can reach: one piece in each transaction. */
#include "share/dict_layout.h"
#include "share/undo.h"

#define BATCH 64 /* nodes that go at once */

/* Moves some nodes to the pending list. The slots lose capacity from the end, so that
 * nothing is looked at twice. false: there are no more. */
static bool detach_nodes(struct mc_slots *slots) {
  uint32_t n = slots->capacity;
  mc_ref chain = 0;
  for (uint32_t taken = 0; n && taken < BATCH; n--) {
    if (slots->slot[n - 1] <= MC_SLOT_GONE)
      continue;
    mc_ref ref = (mc_ref)slots->slot[n - 1];
    mc_block(ref)->link = chain;
    chain = ref;
    taken++;
  }
  if (chain == 0)
    return false;
  mc_undo_begin(NULL);
  mc_set32(&slots->capacity, n);
  mc_set32(&mc_self->pending, chain);
  mc_undo_commit();
  return true;
}

/* Moves the block in *link to the pending list, and puts `rest` there. */
static void detach(mc_ref *link, mc_ref rest) {
  mc_ref ref = *link;
  mc_undo_begin(NULL);
  mc_set32(link, rest);
  mc_set32(&mc_block(ref)->link, 0);
  mc_set32(&mc_self->pending, ref);
  mc_undo_commit();
}

/* A directory loses references from the end; each slots block goes with the first one
 * that leads to it. */
static void detach_from_directory(struct mc_stripe *stripe) {
  struct mc_directory *directory = mc_at(stripe->root);
  uint32_t n = 1u << stripe->depth;
  while (n && directory->slots[n - 1] == 0)
    n--;
  if (n == 0) {
    mc_undo_begin(NULL);
    mc_set32(&mc_block(stripe->root)->link, 0);
    mc_set32(&mc_self->pending, stripe->root);
    mc_set32(&stripe->root, 0);
    mc_set32(&stripe->depth, 0);
    mc_undo_commit();
    return;
  }
  mc_ref last = directory->slots[n - 1];
  if (detach_nodes(mc_slots(last)))
    return;
  /* Idempotent: after a death it is done again. */
  uint32_t first = n - 1;
  while (first && directory->slots[first - 1] == last)
    directory->slots[first--] = 0;
  detach(&directory->slots[first], 0);
}

/* false: the stripe is empty. */
static bool detach_from(struct mc_stripe *stripe) {
  if (stripe->root == 0)
    return false;
  if (stripe->depth)
    detach_from_directory(stripe);
  else if (!detach_nodes(mc_slots(stripe->root)))
    detach(&stripe->root, 0);
  return true;
}

void mc_dict_detach_piece(struct mc_dict *dict) {
  struct mc_slot *self = mc_self;
  if (dict->stripes) {
    for (uint32_t i = 0; i < MC_STRIPES; i++)
      if (detach_from(mc_stripe(dict->stripes, i)))
        return;
    dict->opened = 0;
    detach(&dict->stripes, 0);
    return;
  }
  if (detach_from(&dict->stripe))
    return;
  mc_undo_begin(NULL);
  mc_set32(&dict->object.kind, MC_KIND_NONE);
  mc_set32(&self->dying, dict->object.next_dying);
  mc_set32(&dict->block.link, 0);
  mc_set32(&self->pending, mc_ref_of(dict));
  mc_undo_commit();
}
