#include "share/message.h"

#include "share/life.h"
#include "share/lock.h"
#include "share/undo.h"

#define BATCH 12 /* handles in a transaction: up to 5 stores each */

void mc_references_add(struct mc_block *block, uint32_t n) {
  const mc_ref *handles = mc_message_handles(block);
  mc_lock(&mc_space->objects_lock);
  for (uint32_t i = 0; i < n;) {
    uint32_t upto = n - i < BATCH ? n : i + BATCH;
    mc_undo_begin(&mc_space->objects_lock);
    for (; i < upto; i++) {
      struct mc_object *object = mc_object_at(handles[i]);
      mc_set32(&object->references, object->references + 1);
    }
    mc_set32(&block->n_handles, upto);
    mc_undo_commit();
  }
  mc_unlock(&mc_space->objects_lock);
}

void mc_references_drop(struct mc_block *block) {
  const mc_ref *handles = mc_message_handles(block);
  mc_lock(&mc_space->objects_lock);
  while (block->n_handles) {
    uint32_t n = block->n_handles;
    uint32_t downto = n > BATCH ? n - BATCH : 0;
    mc_undo_begin(&mc_space->objects_lock);
    for (uint32_t i = n; i-- > downto;)
      mc_object_less(handles[i], &mc_object_at(handles[i])->references);
    mc_set32(&block->n_handles, downto);
    mc_undo_commit();
  }
  mc_unlock(&mc_space->objects_lock);
}

void mc_pending_free(void) {
  struct mc_slot *self = mc_self;
  while (self->pending)
    mc_message_free(self->pending, &self->pending, mc_block(self->pending)->link);
}

void mc_pending_segments_free(void) {
  struct mc_slot *self = mc_self;
  while (self->pending_segments)
    mc_block_give(self->pending_segments, &self->pending_segments,
                  mc_block(self->pending_segments)->link);
}
