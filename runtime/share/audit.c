#include "share/audit.h"

#include "share/audit_walk.h"
#include "share/cache.h"
#include "share/layout.h"
#include "share/life.h"
#include "share/object.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOP 100000000u /* a list this long has a loop */

void mc_audit_fault(struct mc_walk *w, const char *format, ...) {
  char text[200];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  w->audit->faults++;
  if (w->audit->fault)
    w->audit->fault(w->audit->context, text);
}

bool mc_audit_see(struct mc_walk *w, mc_ref ref, const char *where) {
  if (ref < mc_span_ref(0) || ref >= w->end) {
    mc_audit_fault(w, "bad ref %u in %s", ref, where);
    return false;
  }
  if (w->seen[ref]) {
    mc_audit_fault(w, "block %u twice, second time in %s", ref, where);
    return false;
  }
  w->seen[ref] = 1;
  return true;
}

static void see_free(struct mc_walk *w, mc_ref list, uint32_t size_class, uint32_t count,
                     const char *where) {
  uint32_t n = 0;
  for (mc_ref ref = list; ref && n < LOOP; ref = mc_block(ref)->next, n++) {
    if (!mc_audit_see(w, ref, where))
      return;
    if (mc_block(ref)->size_class != size_class)
      mc_audit_fault(w, "block %u of class %u in %s of class %u", ref,
                     (unsigned)mc_block(ref)->size_class, where, size_class);
    if (mc_block(ref)->n_handles)
      mc_audit_fault(w, "free block %u has handles, in %s", ref, where);
  }
  if (list && n != count)
    mc_audit_fault(w, "%s of class %u has %u blocks, says %u", where, size_class, n,
                   count);
}

void mc_audit_see_message(struct mc_walk *w, mc_ref ref, const char *where) {
  if (!mc_audit_see(w, ref, where))
    return;
  w->audit->messages++;
  struct mc_block *block = mc_block(ref);
  const mc_ref *handles = (const mc_ref *)((const char *)(block + 1) +
                                           (block->flags & MC_BLOCK_OBIT ? 16 : 0));
  for (uint32_t i = 0; i < block->n_handles; i++) {
    if (mc_object_kind(handles[i]) == MC_KIND_NONE)
      mc_audit_fault(w, "block %u in %s refers to %u, which is no object", ref, where,
                     handles[i]);
    else
      w->references[handles[i] / 8]++;
  }
}

static void see_slot(struct mc_walk *w, uint32_t index) {
  struct mc_slot *slot = mc_slot(index);
  w->audit->members++;
  for (uint32_t i = 0; i < MC_CLASSES; i++) {
    see_free(w, slot->magazines[i].loaded, i, slot->magazines[i].n_loaded, "magazine");
    see_free(w, slot->magazines[i].spare, i, slot->magazines[i].n_spare,
             "spare magazine");
  }
  for (mc_ref r = slot->pending; r; r = mc_block(r)->link)
    mc_audit_see_message(w, r, "pending");
  for (mc_ref r = slot->pending_segments; r; r = mc_block(r)->link)
    mc_audit_see(w, r, "pending segments");
  if (slot->old_segment)
    mc_audit_see(w, slot->old_segment, "old segment");
  for (uint32_t i = 0; i < MC_LEASES; i++)
    if (slot->leases[i])
      mc_audit_see_message(w, slot->leases[i], "lease");
  for (mc_ref r = slot->more_holds; r; r = mc_block(r)->link)
    mc_audit_see(w, r, "holds");
  for (uint32_t i = 0; i < slot->n_holds; i++) {
    mc_ref object = mc_holds_get(slot, i);
    if (mc_object_kind(object) == MC_KIND_NONE)
      mc_audit_fault(w, "member %u holds %u, which is no object", index, object);
    else
      w->holders[object / 8]++;
  }
  for (uint32_t i = 0; i < MC_HELD; i++)
    if (slot->held[i])
      mc_audit_fault(w, "member %u has a lock noted", index);
  if (slot->undo.n)
    mc_audit_fault(w, "member %u has an open section", index);
}

static void see_queue(struct mc_walk *w, mc_ref ref) {
  const struct mc_queue *queue = mc_at(ref);
  uint32_t n = 0;
  for (mc_ref r = queue->returned; r && n < LOOP; r = mc_block(r)->next, n++)
    mc_audit_see_message(w, r, "returned");
  if (n != queue->n_returned)
    mc_audit_fault(w, "queue %u has %u returned, says %u", ref, n, queue->n_returned);
  for (mc_ref r = queue->dead; r; r = mc_block(r)->next)
    mc_audit_see_message(w, r, "dead letters");
  if (queue->tail_segment == 0) {
    if (queue->head != queue->tail)
      mc_audit_fault(w, "queue %u has messages but no segment", ref);
    return;
  }
  const struct mc_segment *segment = NULL;
  uint64_t at = queue->head;
  for (mc_ref r = queue->head_segment; r; r = segment->block.link) {
    if (!mc_audit_see(w, r, "segment"))
      return;
    segment = mc_at(r);
    uint64_t end = segment->block.sequence + MC_SEGMENT_ENTRIES;
    for (; at < end && at < queue->tail; at++)
      mc_audit_see_message(w, segment->entries[at - segment->block.sequence], "queue");
    if (r == queue->tail_segment && segment->block.link)
      mc_audit_fault(w, "queue %u goes on behind its last segment", ref);
    if (!segment->block.link && r != queue->tail_segment)
      mc_audit_fault(w, "queue %u ends before its last segment", ref);
  }
  if (at != queue->tail)
    mc_audit_fault(w, "queue %u: messages %llu and behind are in no segment", ref,
                   (unsigned long long)at);
}

static void see_object(struct mc_walk *w, mc_ref ref) {
  struct mc_object *object = mc_object_at(ref);
  if (!mc_audit_see(w, ref, "objects"))
    return;
  w->audit->objects++;
  if (object->kind == MC_KIND_QUEUE)
    see_queue(w, ref);
  else if (object->kind >= MC_KIND_LOCK)
    mc_audit_see_sync(w, ref, object->kind);
  else
    mc_audit_see_table(w, ref, object->kind);
  if (object->holders == 0 && object->references == 0)
    mc_audit_fault(w, "object %u lives and nobody has it", ref);
}

static void count_object(struct mc_walk *w, mc_ref ref) {
  const struct mc_object *object = mc_object_at(ref);
  if (object->holders != w->holders[ref / 8])
    mc_audit_fault(w, "object %u has %u holders, says %u", ref, w->holders[ref / 8],
                   object->holders);
  if (object->references != w->references[ref / 8])
    mc_audit_fault(w, "object %u has %u references, says %u", ref, w->references[ref / 8],
                   object->references);
}

static void each_object(struct mc_walk *w, void (*visit)(struct mc_walk *, mc_ref)) {
  for (uint32_t i = 0; i < mc_space->brk_spans; i++) {
    uint32_t size_class = mc_spans()[i].use - MC_SPAN_BLOCKS;
    if (size_class != MC_CLASS_OBJECT && size_class != MC_CLASS_SMALL)
      continue;
    for (uint32_t k = 0; k < mc_class_blocks(size_class); k++) {
      mc_ref ref = mc_span_ref(i) + k * (mc_class_bytes[size_class] >> 4);
      if (mc_object_kind(ref) != MC_KIND_NONE)
        visit(w, ref);
    }
  }
}

/* Every block of every span was seen once; free runs lie in the right bin. */
static void see_spans(struct mc_walk *w) {
  const struct mc_span *table = mc_spans();
  uint32_t free_spans = 0, free_runs = 0;
  for (uint32_t i = 0; i < mc_space->brk_spans;) {
    uint32_t use = table[i].use;
    if (use == MC_SPAN_RUN) {
      w->audit->runs++;
      if (!w->seen[mc_span_ref(i)])
        mc_audit_fault(w, "run of %u spans at %u is lost", table[i].spans, i);
      i += table[i].spans;
    } else if (use == MC_SPAN_FREE) {
      free_spans += table[i].spans;
      free_runs++;
      i += table[i].spans;
    } else if (use >= MC_SPAN_BLOCKS && use < MC_SPAN_BLOCKS + MC_CLASSES) {
      uint32_t c = use - MC_SPAN_BLOCKS;
      for (uint32_t k = 0; k < mc_class_blocks(c); k++, w->audit->blocks++)
        if (!w->seen[mc_span_ref(i) + k * (mc_class_bytes[c] >> 4)])
          mc_audit_fault(w, "block %u of class %u is lost",
                         mc_span_ref(i) + k * (mc_class_bytes[c] >> 4), c);
      i++;
    } else {
      mc_audit_fault(w, "span %u has use %u", i, use);
      i++;
    }
  }
  uint32_t in_bins = 0;
  for (uint32_t b = 0; b < MC_BINS; b++)
    for (uint32_t at = mc_space->bins[b]; at && in_bins <= free_runs;
         at = table[at - 1].next)
      in_bins++;
  if (in_bins != free_runs)
    mc_audit_fault(w, "%u free runs, %u in bins", free_runs, in_bins);
  if (free_spans != mc_space->free_spans)
    mc_audit_fault(w, "%u free spans, says %u", free_spans, mc_space->free_spans);
}

static void walk_all(struct mc_walk *w) {
  for (uint32_t i = 0; i < MC_CLASSES; i++)
    for (mc_ref m = mc_space->depots[i].magazines; m; m = mc_block(m)->next_magazine)
      see_free(w, m, i, mc_block(m)->magazine_count, "depot");
  for (uint32_t i = 0; i < mc_space->seats_high; i++)
    if (mc_space->seats[i] & MC_SEAT_USED)
      see_slot(w, i);
  each_object(w, see_object);
  each_object(w, count_object);
  see_spans(w);
  if (w->audit->objects != mc_space->objects)
    mc_audit_fault(w, "%llu objects, says %llu", (unsigned long long)w->audit->objects,
                   (unsigned long long)mc_space->objects);
}

int mc_audit(struct mc_audit *audit) {
  audit->faults = audit->blocks = audit->runs = audit->messages = 0;
  audit->objects = audit->members = 0;
  uint64_t end = mc_span_ref(0) + (uint64_t)mc_space->brk_spans * (MC_SPAN_BYTES >> 4);
  struct mc_walk w = {.audit = audit, .end = end};
  w.seen = calloc(end, 1);
  w.holders = calloc(end / 8 + 1, sizeof(uint32_t));
  w.references = calloc(end / 8 + 1, sizeof(uint32_t));
  int rc = -ENOMEM;
  if (w.seen && w.holders && w.references) {
    walk_all(&w);
    rc = (int)audit->faults;
  }
  free(w.seen);
  free(w.holders);
  free(w.references);
  return rc;
}
