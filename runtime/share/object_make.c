#include "share/object_make.h"

#include "share/cache.h"
#include "share/life.h"
#include "share/local.h"
#include "share/lock.h"
#include "share/undo.h"

#include <string.h>

mc_ref mc_object_begin(void) {
  if (!mc_local_reserve() || mc_holds_reserve(mc_self) != 0)
    return 0;
  mc_ref ref = mc_block_take(MC_CLASS_SMALL, &mc_self->pending);
  if (ref == 0)
    return 0;
  struct mc_object *object = mc_object_at(ref);
  memset(&object->holders, 0,
         mc_class_bytes[MC_CLASS_SMALL] - sizeof(struct mc_block) -
             offsetof(struct mc_object, holders));
  return ref;
}

void mc_object_finish(mc_ref ref, enum mc_kind kind) {
  struct mc_slot *self = mc_self;
  struct mc_object *object = mc_object_at(ref);
  uint32_t index = self->n_holds;
  mc_lock(&mc_space->objects_lock);
  mc_undo_begin(&mc_space->objects_lock);
  mc_set32(&object->kind, kind);
  mc_set32(&object->holders, 1);
  mc_set64(&mc_space->objects, mc_space->objects + 1);
  mc_holds_append(self, ref);
  mc_set32(&self->pending, mc_block(ref)->link);
  mc_undo_commit();
  mc_unlock(&mc_space->objects_lock);
  mc_local_add(ref, index);
}
