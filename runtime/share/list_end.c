/* Taking a list apart that nobody else can reach: one piece in each transaction. */
#include "share/list_layout.h"
#include "share/undo.h"

/* In a section: the block becomes pending. */
static void set_pending(mc_ref ref) {
  mc_set32(&mc_block(ref)->link, 0);
  mc_set32(&mc_self->pending, ref);
}

#define BATCH 64 /* nodes that go at once */

/* Takes elements off the end, some nodes among them. false: none had one. */
static bool detach_nodes(struct mc_list *list) {
  uint64_t n = list->size;
  mc_ref chain = 0;
  for (unsigned taken = 0; n && taken < BATCH; n--) {
    const struct mc_cell *cell = mc_list_cell(list, n - 1);
    if (cell->form < MC_BYTES)
      continue;
    mc_block((mc_ref)cell->bits)->link = chain;
    chain = (mc_ref)cell->bits;
    taken++;
  }
  if (chain == 0)
    return false;
  mc_undo_begin(NULL);
  mc_set64(&list->size, n);
  mc_set32(&mc_self->pending, chain);
  mc_undo_commit();
  return true;
}

static bool detach_chunk(struct mc_list *list) {
  struct mc_chunks *chunks = mc_at(list->cells);
  uint32_t n = list->chunks;
  while (n && chunks->chunk[n - 1] == 0)
    n--;
  if (n == 0)
    return false;
  mc_ref ref = chunks->chunk[n - 1];
  mc_undo_begin(NULL);
  mc_set64(&list->size, 0);
  mc_set32(&list->chunks, n - 1);
  set_pending(ref);
  mc_undo_commit();
  return true;
}

void mc_list_detach_piece(struct mc_list *list) {
  if (list->size && detach_nodes(list))
    return;
  if (list->chunks && detach_chunk(list))
    return;
  mc_undo_begin(NULL);
  if (list->cells) {
    set_pending(list->cells);
    mc_set64(&list->size, 0);
    mc_set32(&list->chunks, 0);
    mc_set32(&list->cells, 0);
  } else {
    mc_set32(&list->object.kind, MC_KIND_NONE);
    mc_set32(&mc_self->dying, list->object.next_dying);
    set_pending(mc_ref_of(list));
  }
  mc_undo_commit();
}
