/* Holds: counted per process in its own memory, once per process in the space. */
#include "share/object.h"

#include "base/error.h"
#include "share/cache.h"
#include "share/lease.h"
#include "share/life.h"
#include "share/local.h"
#include "share/lock.h"
#include "share/undo.h"

enum mc_kind mc_object_kind(mc_ref object) {
  uint64_t offset = (uint64_t)object << 4;
  if (mc_space == NULL || offset < mc_space->spans_at)
    return MC_KIND_NONE;
  uint32_t span = mc_span_of(object);
  if (span >= __atomic_load_n(&mc_space->brk_spans, __ATOMIC_ACQUIRE))
    return MC_KIND_NONE;
  uint32_t use = __atomic_load_n(&mc_spans()[span].use, __ATOMIC_ACQUIRE);
  uint64_t within = (offset - mc_space->spans_at) % MC_SPAN_BYTES;
  if (use != MC_SPAN_BLOCKS + MC_CLASS_OBJECT && use != MC_SPAN_BLOCKS + MC_CLASS_SMALL)
    return MC_KIND_NONE;
  if (within % mc_class_bytes[use - MC_SPAN_BLOCKS] != 0)
    return MC_KIND_NONE;
  return (enum mc_kind)__atomic_load_n(&mc_object_at(object)->kind, __ATOMIC_ACQUIRE);
}

int mc_object_hold(mc_ref object) {
  struct mc_hold *hold = mc_local_find(object);
  if (hold) {
    if (hold->count++ == 0)
      mc_local->deferred--;
    return 0;
  }
  if (!mc_local_reserve() || mc_holds_reserve(mc_self) != 0)
    return MC_NOMEM;
  uint32_t index = mc_self->n_holds;
  struct mc_object *at = mc_object_at(object);
  mc_lock(&mc_space->objects_lock);
  mc_undo_begin(&mc_space->objects_lock);
  mc_set32(&at->holders, at->holders + 1);
  mc_holds_append(mc_self, object);
  mc_undo_commit();
  mc_unlock(&mc_space->objects_lock);
  mc_local_add(object, index);
  return 0;
}

void mc_object_less(mc_ref object, uint32_t *count) {
  struct mc_object *at = mc_object_at(object);
  mc_set32(count, *count - 1);
  if (at->holders || at->references)
    return;
  mc_set32(&at->next_dying, mc_self->dying);
  mc_set32(&mc_self->dying, object);
  mc_set64(&mc_space->objects, mc_space->objects - 1);
}

void mc_object_let_go(mc_ref object) {
  struct mc_hold *hold = mc_local_find(object);
  uint32_t index = hold->index;
  mc_ref moved = mc_holds_get(mc_self, mc_self->n_holds - 1);
  mc_lock(&mc_space->objects_lock);
  mc_undo_begin(&mc_space->objects_lock);
  mc_holds_remove(mc_self, index);
  mc_object_less(object, &mc_object_at(object)->holders);
  mc_undo_commit();
  mc_unlock(&mc_space->objects_lock);
  mc_local_find(moved)->index = index;
  mc_local_remove(mc_local_find(object));
  mc_holds_trim(mc_self);
  mc_dismantle();
}

void mc_object_drop(mc_ref object) {
  struct mc_hold *hold = mc_local_find(object);
  if (hold == NULL || hold->count == 0 || --hold->count > 0)
    return;
  /* Its leases may still go back to it: it stays until the last one is dealt with. */
  if (!mc_leases_of(object)) {
    mc_object_let_go(object);
    return;
  }
  mc_local->deferred++;
  mc_leases_give_up(object);
}
