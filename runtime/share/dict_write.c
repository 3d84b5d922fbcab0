/* Writing one entry. Bytes are copied into a pending node before any lock is taken;
 * numbers are written in place where there is a number already. */
#include "base/error.h"
#include "share/dict.h"
#include "share/dict_layout.h"
#include "share/undo.h"

/* An operation on one key, inside its stripe. */
struct place {
  struct mc_dict_at at;
  const struct mc_key *key;
  uint64_t hash;
  uint32_t tag;
  struct mc_slots *slots; /* NULL: the stripe is empty */
  uint64_t *slot;         /* NULL: there is no entry */
  uint64_t *hole;
};

static void look(struct place *place) {
  mc_ref slots = mc_stripe_slots(place->at.stripe, place->tag);
  place->slots = slots ? mc_slots(slots) : NULL;
  place->slot = mc_slots_find(slots, place->tag, place->key, &place->hole);
}

static void enter(struct place *place, mc_ref dict, const struct mc_key *key) {
  place->key = key;
  place->hash = mc_key_hash(key);
  place->tag = mc_hash_tag(place->hash);
  mc_dict_enter_to_write(mc_at(dict), mc_hash_stripe(place->hash), &place->at);
  look(place);
}

static struct mc_block *node_of(const struct place *place) {
  return place->slot ? mc_block((mc_ref)*place->slot) : NULL;
}

static bool is_number(const struct mc_block *node) {
  return node && mc_form_is_number(MC_NODE_FORM(node));
}

/* Leaves, frees, and passes the result on. */
static int leave(const struct place *place, int result) {
  mc_dict_leave(&place->at);
  mc_tables_clean_up();
  mc_dict_spread_if_met(place->at.dict);
  return result;
}

/* A number over a number: its form may change. */
static void write_number(const struct place *place, unsigned form, uint64_t bits) {
  struct mc_block *node = node_of(place);
  node->sequence = ++place->at.stripe->writes;
  mc_order();
  if (MC_NODE_FORM(node) == form) {
    __atomic_store_n(mc_node_number(node), bits, __ATOMIC_RELEASE); /* the commit */
    mc_order();
    return;
  }
  struct mc_block header = *node;
  header.flags = (uint64_t)form << 1 | (uint64_t)MC_NODE_KIND(node) << 5;
  uint64_t *word = (uint64_t *)(node + 1) - 1; /* length, flags, size_class */
  uint64_t value;
  memcpy(&value, (char *)(&header + 1) - sizeof(value), sizeof(value));
  mc_undo_begin(place->at.lock);
  mc_set64(word, value);
  mc_set64(mc_node_number(node), bits);
  mc_undo_commit();
}

/* The first pending node becomes the entry. 0, 1: enter again; MC_NOMEM. */
static int put_pending(struct place *place) {
  if (place->slot) {
    mc_slot_replace(&place->at, place->slot, place->tag);
    return 0;
  }
  if (place->slots == NULL || *place->hole == MC_SLOT_EMPTY) {
    int error = mc_dict_make_room(&place->at, place->tag);
    if (error)
      return error;
  }
  mc_slot_fill(&place->at, place->slots, place->hole, place->tag);
  return 0;
}

/* Writes the number, inside; makes a node only where there was no number. */
static int put_number(struct place *place, const struct mc_value *value) {
  if (is_number(node_of(place))) {
    write_number(place, value->form, mc_value_bits(value));
    return 0;
  }
  if (mc_self->pending == 0) {
    int error = mc_node_make(place->key, value, &mc_self->pending);
    if (error)
      return error;
  }
  return put_pending(place);
}

static void take_out(struct place *place) {
  mc_slot_clear(&place->at, place->slots, place->slot);
  mc_dict_shrink(&place->at, place->tag);
}

/* Makes the node of a value that is not a number, before a lock is taken. */
static int prepare(const struct mc_key *key, const struct mc_value *value) {
  if (value->form == MC_NOTHING || mc_form_is_number(value->form))
    return 0;
  return mc_node_make(key, value, &mc_self->pending);
}

/* Inside: writes the value that was prepared. 1: enter again. */
static int write_value(struct place *place, const struct mc_value *value) {
  if (value->form == MC_NOTHING) {
    if (place->slot)
      take_out(place);
    return 0;
  }
  return mc_form_is_number(value->form) ? put_number(place, value) : put_pending(place);
}

int mc_dict_set(mc_ref dict, const struct mc_key *key, const struct mc_value *value) {
  int error = prepare(key, value);
  struct place place;
  if (error)
    return error;
  for (;;) {
    enter(&place, dict, key);
    error = write_value(&place, value);
    if (error != 1)
      return leave(&place, error);
    mc_dict_leave(&place.at);
  }
}

int mc_dict_pop(mc_ref dict, const struct mc_key *key, struct mc_batch *batch) {
  struct place place;
  enter(&place, dict, key);
  if (place.slot == NULL)
    return leave(&place, 0);
  int error = mc_batch_add_node(batch, node_of(&place), false, SIZE_MAX);
  if (!error)
    take_out(&place);
  return leave(&place, error ? error : 1);
}

/* Copying may need memory, for which nothing may be pending. */
static int read_and_leave(const struct place *place, struct mc_batch *batch) {
  int error = mc_batch_add_node(batch, node_of(place), false, SIZE_MAX);
  mc_dict_leave(&place->at);
  return error ? error : 1;
}

int mc_dict_set_default(mc_ref dict, const struct mc_key *key,
                        const struct mc_value *value, struct mc_batch *batch) {
  int found = mc_dict_get(dict, key, batch);
  if (found != 0 || value->form == MC_NOTHING)
    return found;
  int error = prepare(key, value);
  struct place place;
  if (error)
    return error;
  for (;;) {
    enter(&place, dict, key);
    if (place.slot) { /* somebody was faster; it may be gone again when we come back */
      if (mc_self->pending == 0)
        return read_and_leave(&place, batch);
      leave(&place, 0);
      return mc_dict_set_default(dict, key, value, batch);
    }
    error = write_value(&place, value);
    if (error != 1)
      return leave(&place, error);
    mc_dict_leave(&place.at);
  }
}

static void show_number(struct mc_value *result, unsigned form, uint64_t bits) {
  result->form = form;
  memcpy(&result->integer, &bits, sizeof(bits));
}

int mc_dict_increment(mc_ref dict, const struct mc_key *key, const struct mc_value *by,
                      const struct mc_value *init, struct mc_value *result) {
  struct place place;
  for (;;) {
    enter(&place, dict, key);
    struct mc_block *node = node_of(&place);
    if (node && !is_number(node))
      return leave(&place, MC_NOTNUMBER);
    unsigned form = node ? MC_NODE_FORM(node) : init->form;
    uint64_t bits = node ? *mc_node_number(node) : mc_value_bits(init);
    form = mc_number_add(form, &bits, by);
    show_number(result, form, bits);
    int error = put_number(&place, result);
    if (error != 1)
      return leave(&place, error);
    mc_dict_leave(&place.at);
    mc_tables_clean_up(); /* the node's number may be another the next time */
  }
}

int mc_dict_compare_set(mc_ref dict, const struct mc_key *key, const struct mc_value *old,
                        const struct mc_value *value) {
  int error = prepare(key, value);
  struct place place;
  if (error)
    return error;
  for (;;) {
    enter(&place, dict, key);
    struct mc_block *node = node_of(&place);
    bool equal = node ? old->form != MC_NOTHING && mc_node_equals(node, old)
                      : old->form == MC_NOTHING;
    if (!equal)
      return leave(&place, 0);
    error = write_value(&place, value);
    if (error != 1)
      return leave(&place, error ? error : 1);
    mc_dict_leave(&place.at);
  }
}

int mc_dict_version_set(mc_ref dict, const struct mc_key *key, uint64_t version,
                        const struct mc_value *value) {
  int error = prepare(key, value);
  struct place place;
  if (error)
    return error;
  for (;;) {
    enter(&place, dict, key);
    const struct mc_block *node = node_of(&place);
    if ((node ? node->sequence : 0) != version)
      return leave(&place, 0);
    error = write_value(&place, value);
    if (error != 1)
      return leave(&place, error ? error : 1);
    mc_dict_leave(&place.at);
  }
}
