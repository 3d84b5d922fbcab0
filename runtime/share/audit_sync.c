/* The audit of locks, semaphores, events, conditions, barriers and connections. */
#include "share/audit_walk.h"
#include "share/sync_layout.h"

static void see_partners(struct mc_walk *w, mc_ref ref) {
  const struct mc_sync *sync = mc_at(ref);
  for (uint32_t i = 0; i < sync->block.n_handles; i++) {
    if (mc_object_kind(sync->partner[i]) == MC_KIND_NONE)
      mc_audit_fault(w, "object %u refers to %u, which is no object", ref,
                     sync->partner[i]);
    else
      w->references[sync->partner[i] / 8]++;
  }
}

static void see_roll(struct mc_walk *w, mc_ref ref) {
  const struct mc_sync *sync = mc_at(ref);
  uint32_t n = 0;
  for (mc_ref r = sync->more; r; r = mc_block(r)->link, n++)
    if (!mc_audit_see(w, r, "roll"))
      return;
  if (n != sync->blocks || sync->n_roll > MC_ROLL_INLINE + n * MC_ROLL_BLOCK)
    mc_audit_fault(w, "object %u has %u blocks of a roll, says %u, for %u entries", ref,
                   n, sync->blocks, sync->n_roll);
}

static void see_state(struct mc_walk *w, mc_ref ref) {
  struct mc_sync *sync = mc_at(ref);
  enum mc_kind kind = (enum mc_kind)sync->object.kind;
  if (sync->lock.owner != 0)
    mc_audit_fault(w, "object %u: somebody is noted in its lock", ref);
  uint64_t permits = sync->value;
  uint32_t here = 0;
  for (uint32_t i = 0; i < sync->n_roll; i++) {
    const struct mc_entry *entry = mc_roll_entry(sync, i);
    permits += entry->a;
    here += entry->b == (uint32_t)sync->phase;
  }
  if (kind == MC_KIND_BOUNDED_SEMAPHORE && permits != sync->limit)
    mc_audit_fault(w, "semaphore %u has %llu permits of %llu", ref,
                   (unsigned long long)permits, (unsigned long long)sync->limit);
  if (kind == MC_KIND_BARRIER && here + (sync->owner != 0) != sync->value)
    mc_audit_fault(w, "barrier %u: %u are there, says %llu", ref, here,
                   (unsigned long long)sync->value);
}

void mc_audit_see_sync(struct mc_walk *w, mc_ref ref, uint32_t kind) {
  see_partners(w, ref);
  if (!mc_kind_is_sync((enum mc_kind)kind))
    return;
  see_roll(w, ref);
  see_state(w, ref);
}
