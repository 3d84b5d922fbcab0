/* How locks and their like come to be and end. */
#include "share/life.h"
#include "share/local.h"
#include "share/lock.h"
#include "share/message.h"
#include "share/sync_layout.h"
#include "share/undo.h"

#include "base/error.h"

#include <string.h>

static void set_zero(struct mc_sync *sync) {
  struct mc_object *object = &sync->object;
  object->holders = object->references = 0;
  object->next_dying = 0;
  memset(sync->partner, 0,
         offsetof(struct mc_sync, lock) - offsetof(struct mc_sync, partner));
  memset(&sync->value, 0,
         offsetof(struct mc_sync, queue_lock) - offsetof(struct mc_sync, value));
  memset(&sync->waiters, 0, sizeof(sync->waiters));
}

/* The handles of the block: so they are let go of with it, whenever that is. */
static void add_partners(struct mc_block *block, mc_ref *partner, const mc_ref *partners,
                         uint32_t n) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < n; i++)
    if (partners[i])
      partner[count++] = partners[i];
  block->flags = MC_BLOCK_OBIT;
  if (count)
    mc_references_add(block, count);
}

int mc_sync_begin(enum mc_kind kind, const mc_ref *partners, uint32_t n,
                  struct mc_sync **made) {
  if (!mc_local_reserve() || mc_holds_reserve(mc_self) != 0)
    return MC_NOMEM;
  uint32_t size_class = kind == MC_KIND_CONNECTION ? MC_CLASS_SMALL : MC_CLASS_OBJECT;
  mc_ref ref = mc_block_take(size_class, &mc_self->pending);
  if (ref == 0)
    return MC_NOMEM;
  struct mc_sync *sync = mc_at(ref);
  if (kind == MC_KIND_CONNECTION) {
    sync->object.holders = sync->object.references = sync->object.next_dying = 0;
    memset(sync->partner, 0,
           sizeof(struct mc_connection) - offsetof(struct mc_connection, partner));
  } else {
    set_zero(sync);
    mc_lock_init(&sync->lock, MC_LOCK_SYNC, ref);
  }
  add_partners(&sync->block, sync->partner, partners, n);
  *made = sync;
  return 0;
}

mc_ref mc_sync_finish(struct mc_sync *sync, enum mc_kind kind) {
  struct mc_slot *self = mc_self;
  mc_ref ref = mc_ref_of(sync);
  uint32_t index = self->n_holds;
  mc_lock(&mc_space->objects_lock);
  mc_undo_begin(&mc_space->objects_lock);
  mc_set32(&sync->object.kind, kind);
  mc_set32(&sync->object.holders, 1);
  mc_set64(&mc_space->objects, mc_space->objects + 1);
  mc_holds_append(self, ref);
  mc_set32(&self->pending, 0);
  mc_undo_commit();
  mc_unlock(&mc_space->objects_lock);
  mc_local_add(ref, index);
  return ref;
}

void mc_sync_detach_piece(mc_ref ref) {
  struct mc_slot *self = mc_self;
  struct mc_sync *sync = mc_at(ref);
  mc_undo_begin(NULL);
  if (sync->object.kind != MC_KIND_CONNECTION && sync->more) {
    mc_ref block = sync->more;
    mc_set32(&sync->more, mc_block(block)->link);
    mc_set32(&mc_block(block)->link, 0);
    mc_set32(&self->pending, block);
  } else {
    mc_set32(&sync->object.kind, MC_KIND_NONE);
    mc_set32(&self->dying, sync->object.next_dying);
    mc_set32(&sync->block.link, 0);
    mc_set32(&self->pending, ref); /* freed with its handles */
  }
  mc_undo_commit();
}
