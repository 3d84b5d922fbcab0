/* The audit of dicts, lists and arrays. */
#include "share/array_layout.h"
#include "share/audit_walk.h"
#include "share/dict_layout.h"
#include "share/list_layout.h"
#include "share/object.h"

/* What the entries of a dict must agree with. */
struct dict_walk {
  struct mc_walk *w;
  struct mc_stripe *stripe;
  mc_ref dict;
  uint32_t number; /* of the stripe; MC_STRIPES: the only one */
  uint64_t count;
};

static void see_node(struct dict_walk *d, mc_ref slots, uint64_t entry) {
  mc_ref ref = (mc_ref)entry;
  mc_audit_see_message(d->w, ref, "dict");
  struct mc_block *node = mc_block(ref);
  struct mc_key key = {mc_node_key(node), node->queue, MC_NODE_KIND(node)};
  uint64_t hash = mc_key_hash(&key);
  if (mc_hash_tag(hash) != (uint32_t)(entry >> 32))
    mc_audit_fault(d->w, "dict %u: node %u has another tag than its slot", d->dict, ref);
  if (d->number < MC_STRIPES && mc_hash_stripe(hash) != d->number)
    mc_audit_fault(d->w, "dict %u: node %u is in the wrong stripe", d->dict, ref);
  if (mc_stripe_slots(d->stripe, mc_hash_tag(hash)) != slots)
    mc_audit_fault(d->w, "dict %u: node %u is in the wrong slots", d->dict, ref);
  if (node->sequence > d->stripe->writes)
    mc_audit_fault(d->w, "dict %u: node %u has a version to come", d->dict, ref);
  uint64_t *hole;
  const uint64_t *slot = mc_slots_find(slots, mc_hash_tag(hash), &key, &hole);
  if (slot == NULL || *slot != entry)
    mc_audit_fault(d->w, "dict %u: node %u is not found, or another", d->dict, ref);
}

static void see_slots(struct dict_walk *d, mc_ref ref) {
  if (!mc_audit_see(d->w, ref, "slots"))
    return;
  const struct mc_slots *slots = mc_slots(ref);
  uint32_t count = 0;
  uint32_t used = 0;
  for (uint32_t i = 0; i < slots->capacity; i++) {
    used += slots->slot[i] != MC_SLOT_EMPTY;
    if (slots->slot[i] <= MC_SLOT_GONE)
      continue;
    count++;
    see_node(d, ref, slots->slot[i]);
  }
  if (count != slots->count || used != slots->used)
    mc_audit_fault(d->w, "dict %u: slots %u have %u of %u, say %u of %u", d->dict, ref,
                   count, used, slots->count, slots->used);
  d->count += count;
}

static void see_stripe(struct dict_walk *d) {
  struct mc_stripe *stripe = d->stripe;
  d->count = 0;
  if (stripe->root && stripe->depth == 0) {
    see_slots(d, stripe->root);
  } else if (stripe->root && mc_audit_see(d->w, stripe->root, "directory")) {
    const struct mc_directory *directory = mc_at(stripe->root);
    for (uint32_t i = 0; i < 1u << stripe->depth;) {
      mc_ref ref = directory->slots[i];
      uint32_t n = 1u << (stripe->depth - mc_slots(ref)->depth);
      see_slots(d, ref);
      for (uint32_t k = 0; k < n; k++)
        if (i % n || directory->slots[i + k] != ref)
          mc_audit_fault(d->w, "dict %u: reference %u of a directory is wrong", d->dict,
                         i + k);
      i += n;
    }
  }
  if (d->count != stripe->count)
    mc_audit_fault(d->w, "dict %u: a stripe has %llu entries, says %llu", d->dict,
                   (unsigned long long)d->count, (unsigned long long)stripe->count);
}

static void see_dict(struct mc_walk *w, mc_ref ref) {
  struct mc_dict *dict = mc_at(ref);
  struct dict_walk d = {.w = w, .dict = ref, .number = MC_STRIPES};
  if (dict->stripes && mc_audit_see(w, dict->stripes, "stripes")) {
    for (d.number = 0; d.number < MC_STRIPES; d.number++) {
      d.stripe = mc_stripe(dict->stripes, d.number);
      see_stripe(&d);
    }
  }
  d.stripe = &dict->stripe;
  if (dict->stripes == 0)
    see_stripe(&d);
  else if (d.stripe->root || d.stripe->count)
    mc_audit_fault(w, "dict %u: has entries beside its stripes", ref);
  if (dict->opened && dict->opened != dict->stripes)
    mc_audit_fault(w, "dict %u: other stripes are open", ref);
}

static void see_list(struct mc_walk *w, mc_ref ref) {
  const struct mc_list *list = mc_at(ref);
  if (list->cells && !mc_audit_see(w, list->cells, "cells"))
    return;
  for (uint32_t i = 0; i < list->chunks; i++) {
    mc_ref chunk = ((const struct mc_chunks *)mc_at(list->cells))->chunk[i];
    if (chunk && !mc_audit_see(w, chunk, "chunks"))
      return;
  }
  if (list->size > list->capacity || (list->size && list->first >= list->capacity) ||
      (list->chunks && list->size + MC_CHUNK > list->capacity)) {
    mc_audit_fault(w, "list %u: %llu elements from %llu on of %llu", ref,
                   (unsigned long long)list->size, (unsigned long long)list->first,
                   (unsigned long long)list->capacity);
    return;
  }
  for (uint64_t i = 0; i < list->size; i++) {
    if (list->chunks && *mc_list_chunk(list, mc_list_place(list, i)) == 0) {
      mc_audit_fault(w, "list %u: no chunk for element %llu", ref, (unsigned long long)i);
      return;
    }
    const struct mc_cell *cell = mc_list_cell(list, i);
    if (cell->form >= MC_BYTES)
      mc_audit_see_message(w, (mc_ref)cell->bits, "list");
  }
}

static void see_array(struct mc_walk *w, mc_ref ref) {
  const struct mc_array *array = mc_at(ref);
  if (array->elements)
    mc_audit_see(w, array->elements, "array");
  if (array->redo)
    mc_audit_see(w, array->redo, "unfinished write of an array");
}

void mc_audit_see_table(struct mc_walk *w, mc_ref object, uint32_t kind) {
  switch (kind) {
  case MC_KIND_DICT:
    see_dict(w, object);
    break;
  case MC_KIND_LIST:
  case MC_KIND_VALUE:
    see_list(w, object);
    break;
  case MC_KIND_ARRAY:
    see_array(w, object);
    break;
  default:
    mc_audit_fault(w, "object %u is of the unknown kind %u", object, kind);
  }
}
