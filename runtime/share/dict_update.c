/* What concerns a whole dict.
 *
 * An update has the dict alone. Its nodes go in one by one, each in a transaction that
 * moves it from the pending list to `applied`; `next` of the node is the one that it
 * replaced. The commit empties `applied` and puts all the replaced nodes on the pending
 * list. Before it, whoever finds the update unfinished takes its nodes out again, or puts
 * back what they replaced; that needs no memory. */
#include "base/error.h"
#include "share/dict.h"
#include "share/dict_layout.h"
#include "share/undo.h"

/* Puts the first pending node in, alone. */
static int apply(struct mc_dict_at *at) {
  struct mc_slot *self = mc_self;
  mc_ref fresh = self->pending;
  struct mc_block *node = mc_block(fresh);
  struct mc_key key = {mc_node_key(node), node->queue, MC_NODE_KIND(node)};
  uint64_t hash = mc_key_hash(&key);
  uint32_t tag = mc_hash_tag(hash);
  uint64_t *slot;
  uint64_t *hole;
  int again;
  do {
    mc_dict_go_to(at, hash);
    slot = mc_slots_find(mc_stripe_slots(at->stripe, tag), tag, &key, &hole);
    again = 0;
    if (slot == NULL && (hole == NULL || *hole == MC_SLOT_EMPTY))
      again = mc_dict_make_room(at, tag);
    if (again < 0)
      return again;
  } while (again);
  node->next = slot ? (mc_ref)*slot : 0;
  node->sequence = ++at->stripe->writes;
  struct mc_slots *slots = mc_slots(mc_stripe_slots(at->stripe, tag));
  uint64_t entry = (uint64_t)tag << 32 | fresh;
  mc_undo_begin(at->lock);
  if (slot) {
    mc_set64(slot, entry);
  } else {
    if (*hole == MC_SLOT_EMPTY)
      mc_set32(&slots->used, slots->used + 1);
    mc_set64(hole, entry);
    mc_set32(&slots->count, slots->count + 1);
    mc_set64(&at->stripe->count, at->stripe->count + 1);
  }
  mc_set32(&self->pending, node->link);
  mc_set32(&node->link, at->dict->applied);
  mc_set32(&at->dict->applied, fresh);
  mc_undo_commit();
  return 0;
}

/* Takes back the node that was applied last; it becomes the first pending one. */
static void take_back_one(struct mc_dict_at *at) {
  struct mc_slot *self = mc_self;
  mc_ref ref = at->dict->applied;
  struct mc_block *node = mc_block(ref);
  struct mc_key key = {mc_node_key(node), node->queue, MC_NODE_KIND(node)};
  uint64_t hash = mc_key_hash(&key);
  uint32_t tag = mc_hash_tag(hash);
  mc_dict_go_to(at, hash);
  struct mc_slots *slots = mc_slots(mc_stripe_slots(at->stripe, tag));
  uint64_t *hole;
  uint64_t *slot = mc_slots_find(mc_ref_of(slots), tag, &key, &hole);
  mc_undo_begin(at->lock);
  if (node->next) {
    mc_set64(slot, (uint64_t)tag << 32 | node->next);
  } else {
    mc_set64(slot, MC_SLOT_GONE);
    mc_set32(&slots->count, slots->count - 1);
    mc_set64(&at->stripe->count, at->stripe->count - 1);
  }
  mc_set32(&at->dict->applied, node->link);
  mc_set32(&node->link, self->pending);
  mc_set32(&self->pending, ref);
  mc_undo_commit();
}

void mc_dict_take_back(struct mc_dict *dict) {
  struct mc_slot *self = mc_self;
  struct mc_dict_at at = {dict, &dict->stripe, mc_update_lock(dict), true};
  while (dict->applied) {
    take_back_one(&at);
    /* The rest of the list may be the caller's. */
    mc_message_free(self->pending, &self->pending, mc_block(self->pending)->link);
  }
}

/* Everything is in: the replaced nodes become pending. */
static void commit(struct mc_dict_at *at) {
  struct mc_slot *self = mc_self;
  mc_ref chain = self->pending;
  for (mc_ref ref = at->dict->applied; ref; ref = mc_block(ref)->link) {
    mc_ref old = mc_block(ref)->next;
    if (old) {
      mc_block(old)->link = chain;
      chain = old;
    }
  }
  mc_undo_begin(at->lock);
  mc_set32(&at->dict->applied, 0);
  mc_set32(&self->pending, chain);
  mc_undo_commit();
}

int mc_dict_update(mc_ref ref, const struct mc_key *keys, const struct mc_value *values,
                   size_t n) {
  struct mc_dict *dict = mc_at(ref);
  mc_ref *link = &mc_self->pending;
  int error = 0;
  for (size_t i = 0; i < n && !error; i++) {
    error = mc_node_make(&keys[i], &values[i], link);
    if (!error)
      link = &mc_block(*link)->link;
  }
  if (!error && n) {
    struct mc_dict_at at;
    mc_dict_seize(dict, &at);
    for (size_t i = 0; i < n && !error; i++)
      error = apply(&at);
    if (error)
      mc_dict_take_back(dict);
    else
      commit(&at);
    mc_dict_release(dict);
  }
  mc_tables_clean_up();
  return error;
}

/* The content goes to a nameless dict that is dying already. */
int mc_dict_clear(mc_ref ref) {
  struct mc_dict *dict = mc_at(ref);
  struct mc_slot *self = mc_self;
  mc_ref heir = mc_block_take(MC_CLASS_SMALL, &self->pending);
  if (heir == 0)
    return MC_NOMEM;
  struct mc_dict *dying = mc_at(heir);
  struct mc_dict_at at;
  mc_dict_seize(dict, &at);
  dying->stripe = dict->stripe;
  dying->stripes = dict->stripes;
  dying->opened = 0;
  dying->applied = 0;
  uint64_t writes = dict->stripe.writes;
  for (uint32_t i = 0; dict->stripes && i < MC_STRIPES; i++)
    if (mc_stripe(dict->stripes, i)->writes > writes)
      writes = mc_stripe(dict->stripes, i)->writes;
  dict->stripe.writes = writes + 1;
  mc_undo_begin(at.lock);
  mc_set32(&dict->stripe.root, 0);
  mc_set32(&dict->stripe.depth, 0);
  mc_set64(&dict->stripe.count, 0);
  mc_set32(&dict->stripes, 0);
  mc_set32(&dict->opened, 0);
  mc_set32(&self->pending, dying->block.link);
  mc_set32(&dying->object.kind, MC_KIND_DICT);
  mc_set32(&dying->object.next_dying, self->dying);
  mc_set32(&self->dying, heir);
  mc_undo_commit();
  mc_dict_release(dict);
  mc_tables_clean_up();
  return 0;
}
