#include "share/array_layout.h"
#include "share/dict_layout.h"
#include "share/life.h"
#include "share/list_layout.h"
#include "share/message.h"
#include "share/object.h"
#include "share/sync_layout.h"
#include "share/undo.h"

/* Moves the first block of a private list to the pending one, which frees it. */
static void detach(mc_ref *list, mc_ref rest) {
  struct mc_slot *self = mc_self;
  mc_ref ref = *list;
  mc_undo_begin(NULL);
  mc_set32(list, rest);
  mc_set32(&mc_block(ref)->link, 0);
  mc_set32(&self->pending, ref);
  mc_undo_commit();
}

/* Detaches the next message of the segments. false: none is left. */
static bool detach_message(struct mc_queue *queue) {
  struct mc_slot *self = mc_self;
  uint64_t head = queue->head;
  if (head == queue->tail)
    return false;
  struct mc_segment *segment = mc_at(queue->head_segment);
  if (head == segment->block.sequence + MC_SEGMENT_ENTRIES) {
    detach(&queue->head_segment, segment->block.link);
    return true;
  }
  mc_ref ref = segment->entries[head - segment->block.sequence];
  mc_undo_begin(NULL);
  mc_set64(&queue->head, head + 1);
  mc_set32(&mc_block(ref)->link, 0);
  mc_set32(&self->pending, ref);
  mc_undo_commit();
  return true;
}

/* Takes one piece out of a queue that nobody else can reach. */
static void detach_piece(struct mc_queue *queue) {
  struct mc_slot *self = mc_self;
  if (queue->returned) {
    detach(&queue->returned, mc_block(queue->returned)->next);
  } else if (queue->dead) {
    detach(&queue->dead, mc_block(queue->dead)->next);
  } else if (detach_message(queue)) {
    return;
  } else if (queue->tail_segment && queue->head_segment) {
    detach(&queue->head_segment, mc_block(queue->head_segment)->link);
  } else {
    mc_undo_begin(NULL);
    mc_set32(&queue->object.kind, MC_KIND_NONE);
    mc_set32(&self->dying, queue->object.next_dying);
    mc_set32(&queue->block.link, 0);
    mc_set32(&self->pending, mc_ref_of(queue));
    mc_undo_commit();
  }
}

void mc_dismantle(void) {
  while (mc_self->dying) {
    void *dying = mc_at(mc_self->dying);
    switch (mc_object_at(mc_self->dying)->kind) {
    case MC_KIND_DICT:
      mc_dict_detach_piece(dying);
      break;
    case MC_KIND_LIST:
    case MC_KIND_VALUE:
      mc_list_detach_piece(dying);
      break;
    case MC_KIND_ARRAY:
      mc_array_detach_piece(dying);
      break;
    case MC_KIND_LOCK:
    case MC_KIND_RLOCK:
    case MC_KIND_SEMAPHORE:
    case MC_KIND_BOUNDED_SEMAPHORE:
    case MC_KIND_EVENT:
    case MC_KIND_CONDITION:
    case MC_KIND_BARRIER:
    case MC_KIND_CONNECTION:
      mc_sync_detach_piece(mc_self->dying);
      break;
    default:
      detach_piece(dying);
    }
    mc_pending_free();
  }
}
