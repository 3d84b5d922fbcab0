/* Room for more entries, and for fewer.
 *
 * New blocks are made privately, behind all that is pending, and come in with one
 * transaction that puts the old ones in their place on the pending list. */
#include "share/dict_layout.h"

#include "base/error.h"
#include "share/undo.h"

/* Classes whose blocks serve as slots, each about twice the one before. */
static const uint8_t classes[] = {1, 3, 5, 7, 9, 11, 13, 14};
#define LARGEST  (sizeof(classes) / sizeof(classes[0]) - 1)
#define IN_PLACE 16u /* references of a directory that one transaction may change */

static uint32_t capacity_of(uint32_t size) {
  return (mc_class_bytes[classes[size]] - (uint32_t)sizeof(struct mc_slots)) / 8;
}

/* Slots that may be used: then searches are still short. */
static uint32_t limit_of(uint32_t capacity) {
  return capacity - capacity / 4;
}

/* The size for n entries, half full when it is fresh. */
static uint32_t size_for(uint32_t n) {
  uint32_t size = 0;
  while (size < LARGEST && capacity_of(size) < 2 * n)
    size++;
  return size;
}

/* Empty slots linked to *link; 0: no memory. */
static mc_ref make_slots(uint32_t n, uint32_t depth, mc_ref *link) {
  uint32_t size = size_for(n);
  mc_ref ref = mc_block_take(classes[size], link);
  if (ref == 0)
    return 0;
  struct mc_slots *slots = mc_slots(ref);
  slots->capacity = capacity_of(size);
  slots->depth = depth;
  slots->count = slots->used = 0;
  memset(slots->slot, 0, slots->capacity * sizeof(slots->slot[0]));
  return ref;
}

/* Into slots that nobody sees yet, and that have room. */
static void add(struct mc_slots *slots, uint64_t entry) {
  uint32_t i = mc_slots_home(slots, (uint32_t)(entry >> 32));
  while (slots->slot[i] != MC_SLOT_EMPTY)
    if (++i == slots->capacity)
      i = 0;
  slots->slot[i] = entry;
  slots->count++;
  slots->used++;
}

static void add_all(struct mc_slots *to, const struct mc_slots *from) {
  for (uint32_t i = 0; i < from->capacity; i++)
    if (from->slot[i] > MC_SLOT_GONE)
      add(to, from->slot[i]);
}

/* A private directory of that depth, at least the stripe's, that leads to the same slots.
 */
static mc_ref copy_directory(const struct mc_stripe *stripe, uint32_t depth,
                             mc_ref *link) {
  uint64_t bytes = sizeof(mc_ref) << depth;
  uint32_t size_class = mc_class_for(bytes);
  mc_ref ref;
  if (size_class != MC_CLASS_RUN) {
    ref = mc_block_take(size_class, link);
  } else {
    bytes += sizeof(struct mc_block) + MC_SPAN_BYTES - 1;
    ref = mc_heap_take_hard((uint32_t)(bytes / MC_SPAN_BYTES), link);
  }
  if (ref == 0)
    return 0;
  struct mc_directory *directory = mc_at(ref);
  const struct mc_directory *old = mc_at(stripe->root);
  uint32_t shift = depth - stripe->depth;
  for (uint32_t i = 0; i < 1u << depth; i++)
    directory->slots[i] = stripe->depth ? old->slots[i >> shift] : stripe->root;
  return ref;
}

/* What replaces what, in one transaction. */
struct exchange {
  mc_ref *link;   /* the new blocks are pending from here on */
  uint32_t first; /* the references of the directory that change */
  uint32_t n;
  mc_ref left, right; /* new slots for the first and the second half of them */
  mc_ref old[3];      /* blocks that are not needed afterwards; 0: none */
};

/* Links the old blocks to each other. The first one. */
static mc_ref chain_old(const struct exchange *exchange, mc_ref one_more) {
  mc_ref chain = one_more;
  if (one_more)
    mc_block(one_more)->link = 0;
  for (int i = 0; i < 3; i++) {
    if (exchange->old[i]) {
      mc_block(exchange->old[i])->link = chain;
      chain = exchange->old[i];
    }
  }
  return chain;
}

static void write_references(const struct exchange *exchange, mc_ref *slots) {
  uint32_t half = exchange->n / 2;
  for (uint32_t i = 0; i < exchange->n; i++)
    slots[exchange->first + i] = i < half ? exchange->left : exchange->right;
}

/* false: no memory for a directory. */
static bool commit(const struct mc_dict_at *at, const struct exchange *exchange) {
  struct mc_stripe *stripe = at->stripe;
  if (stripe->depth && exchange->n > IN_PLACE) {
    mc_ref directory = copy_directory(stripe, stripe->depth, mc_pending_end());
    if (directory == 0)
      return false;
    write_references(exchange, ((struct mc_directory *)mc_at(directory))->slots);
    mc_ref old = chain_old(exchange, stripe->root);
    mc_undo_begin(at->lock);
    mc_set32(&stripe->root, directory);
    mc_set32(exchange->link, old);
    mc_undo_commit();
    return true;
  }
  mc_ref old = chain_old(exchange, 0);
  mc_undo_begin(at->lock);
  if (stripe->depth) {
    mc_ref *slots = ((struct mc_directory *)mc_at(stripe->root))->slots;
    for (uint32_t i = 0; i < exchange->n; i++)
      mc_set32(&slots[exchange->first + i],
               i < exchange->n / 2 ? exchange->left : exchange->right);
  } else {
    mc_set32(&stripe->root, exchange->right);
  }
  mc_set32(exchange->link, old);
  mc_undo_commit();
  return true;
}

/* The references that lead to slots of that depth. */
static void find_references(struct exchange *exchange, const struct mc_stripe *stripe,
                            uint32_t depth, uint32_t tag) {
  exchange->n = 1u << (stripe->depth - depth);
  exchange->first = mc_directory_index(stripe->depth, tag) & ~(exchange->n - 1);
}

/* Other slots, for n entries, in the place of these. */
static int resize(const struct mc_dict_at *at, mc_ref old, uint32_t n, uint32_t tag) {
  struct exchange exchange = {.link = mc_pending_end(), .old = {old}};
  mc_ref fresh = make_slots(n, mc_slots(old)->depth, exchange.link);
  if (fresh == 0)
    return MC_NOMEM;
  add_all(mc_slots(fresh), mc_slots(old));
  find_references(&exchange, at->stripe, mc_slots(old)->depth, tag);
  exchange.left = exchange.right = fresh;
  return commit(at, &exchange) ? 0 : MC_NOMEM;
}

static int double_directory(const struct mc_dict_at *at) {
  struct mc_stripe *stripe = at->stripe;
  mc_ref *link = mc_pending_end();
  mc_ref directory = copy_directory(stripe, stripe->depth + 1, link);
  if (directory == 0)
    return MC_NOMEM;
  mc_ref old = stripe->depth ? stripe->root : 0;
  if (old)
    mc_block(old)->link = 0;
  mc_undo_begin(at->lock);
  mc_set32(&stripe->root, directory);
  mc_set32(&stripe->depth, stripe->depth + 1);
  mc_set32(link, old);
  mc_undo_commit();
  return 0;
}

/* Two slots blocks in the place of one, by one more bit of the tag. */
static int split(const struct mc_dict_at *at, mc_ref old, uint32_t tag) {
  struct mc_slots *from = mc_slots(old);
  if (from->depth == MC_DEPTH_MAX)
    return MC_TOOBIG;
  if (from->depth == at->stripe->depth) {
    int error = double_directory(at);
    if (error)
      return error;
  }
  uint64_t bit = (uint64_t)1 << (63 - from->depth);
  uint32_t n_right = 0;
  for (uint32_t i = 0; i < from->capacity; i++)
    n_right += from->slot[i] > MC_SLOT_GONE && (from->slot[i] & bit);
  struct exchange exchange = {.link = mc_pending_end(), .old = {old}};
  exchange.left = make_slots(from->count - n_right, from->depth + 1, exchange.link);
  if (exchange.left)
    exchange.right = make_slots(n_right, from->depth + 1, &mc_block(exchange.left)->link);
  if (exchange.right == 0)
    return MC_NOMEM;
  for (uint32_t i = 0; i < from->capacity; i++)
    if (from->slot[i] > MC_SLOT_GONE)
      add(mc_slots(from->slot[i] & bit ? exchange.right : exchange.left), from->slot[i]);
  find_references(&exchange, at->stripe, from->depth, tag);
  return commit(at, &exchange) ? 0 : MC_NOMEM;
}

/* Slots for the first entry of a stripe. */
static int first_slots(const struct mc_dict_at *at) {
  mc_ref *link = mc_pending_end();
  mc_ref fresh = make_slots(1, 0, link);
  if (fresh == 0)
    return MC_NOMEM;
  mc_undo_begin(at->lock);
  mc_set32(&at->stripe->root, fresh);
  mc_set32(link, 0);
  mc_undo_commit();
  return 0;
}

static uint32_t stripe_of(uint64_t entry) {
  struct mc_block *node = mc_block((mc_ref)entry);
  struct mc_key key = {mc_node_key(node), node->queue, MC_NODE_KIND(node)};
  return mc_hash_stripe(mc_key_hash(&key));
}

/* The private stripes get the entries of the only one. */
static int deal_out(const struct mc_stripe *from, struct mc_stripes *stripes) {
  const struct mc_slots *slots = mc_slots(from->root);
  mc_ref *link = &stripes->block.link;
  for (uint32_t i = 0; i < slots->capacity; i++)
    if (slots->slot[i] > MC_SLOT_GONE)
      stripes->part[stripe_of(slots->slot[i])].stripe.count++;
  for (uint32_t i = 0; i < MC_STRIPES; i++) {
    struct mc_stripe *stripe = &stripes->part[i].stripe;
    stripe->writes = from->writes;
    if (stripe->count == 0)
      continue;
    stripe->root = make_slots((uint32_t)stripe->count, 0, link);
    if (stripe->root == 0)
      return MC_NOMEM;
    link = &mc_block(stripe->root)->link;
  }
  for (uint32_t i = 0; i < slots->capacity; i++)
    if (slots->slot[i] > MC_SLOT_GONE)
      add(mc_slots(stripes->part[stripe_of(slots->slot[i])].stripe.root), slots->slot[i]);
  return 0;
}

/* From one stripe to many. */
static int make_stripes(const struct mc_dict_at *at) {
  struct mc_dict *dict = at->dict;
  mc_ref *link = mc_pending_end();
  mc_ref ref = mc_block_take(
      mc_class_for(sizeof(struct mc_stripes) - sizeof(struct mc_block)), link);
  if (ref == 0)
    return MC_NOMEM;
  struct mc_stripes *stripes = mc_at(ref);
  memset(stripes->part, 0, sizeof(stripes->part));
  int error = deal_out(&dict->stripe, stripes);
  if (error)
    return error;
  mc_ref old = dict->stripe.root;
  mc_block(old)->link = 0;
  mc_undo_begin(at->lock);
  mc_set32(&dict->stripe.root, 0);
  mc_set64(&dict->stripe.count, 0);
  mc_set32(&dict->stripes, ref);
  mc_set32(link, old);
  mc_undo_commit();
  return 0;
}

void mc_dict_spread(struct mc_dict *dict) {
  struct mc_dict_at at;
  __atomic_store_n(&dict->met, 0, __ATOMIC_RELAXED);
  mc_dict_enter(dict, 0, &at);
  if (dict->stripes == 0 && dict->stripe.root)
    make_stripes(&at);
  mc_dict_leave(&at);
  mc_tables_clean_up();
}

int mc_dict_make_room(const struct mc_dict_at *at, uint32_t tag) {
  mc_ref ref = mc_stripe_slots(at->stripe, tag);
  int error;
  if (ref == 0) {
    error = first_slots(at);
    return error ? error : 1;
  }
  const struct mc_slots *slots = mc_slots(ref);
  if (slots->used < limit_of(slots->capacity))
    return 0;
  if (at->dict->stripes == 0 && slots->count >= MC_DICT_SMALL)
    error = make_stripes(at);
  else if (slots->count < limit_of(capacity_of(LARGEST)))
    error = resize(at, ref, slots->count + 1, tag);
  else
    error = split(at, ref, tag);
  return error ? error : 1;
}

/* Joins the slots of the tag with those of the other value of its last bit. false: not
 * worth it, or no memory. */
static bool merge(const struct mc_dict_at *at, uint32_t tag) {
  struct mc_stripe *stripe = at->stripe;
  mc_ref one = mc_stripe_slots(stripe, tag);
  uint32_t depth = mc_slots(one)->depth;
  if (depth == 0)
    return false;
  mc_ref other = mc_stripe_slots(stripe, tag ^ (uint32_t)1 << (32 - depth));
  uint32_t n = mc_slots(one)->count + mc_slots(other)->count;
  if (mc_slots(other)->depth != depth || n > capacity_of(LARGEST) / 4)
    return false;
  struct exchange exchange = {.link = mc_pending_end(), .old = {one, other}};
  mc_ref both = make_slots(n, depth - 1, exchange.link);
  if (both == 0)
    return false;
  add_all(mc_slots(both), mc_slots(one));
  add_all(mc_slots(both), mc_slots(other));
  if (depth > 1) {
    find_references(&exchange, stripe, depth - 1, tag);
    exchange.left = exchange.right = both;
    return commit(at, &exchange);
  }
  exchange.old[2] = stripe->root;
  mc_ref old = chain_old(&exchange, 0);
  mc_undo_begin(at->lock);
  mc_set32(&stripe->root, both);
  mc_set32(&stripe->depth, 0);
  mc_set32(exchange.link, old);
  mc_undo_commit();
  return true;
}

void mc_dict_shrink(const struct mc_dict_at *at, uint32_t tag) {
  struct mc_stripe *stripe = at->stripe;
  mc_ref ref = mc_stripe_slots(stripe, tag);
  const struct mc_slots *slots = mc_slots(ref);
  if (slots->count == 0 && stripe->depth == 0) {
    mc_ref *link = mc_pending_end();
    mc_block(ref)->link = 0;
    mc_undo_begin(at->lock);
    mc_set32(&stripe->root, 0);
    mc_set32(link, ref);
    mc_undo_commit();
    return;
  }
  if (slots->count * 8 >= slots->capacity)
    return;
  bool merged = false;
  while (merge(at, tag))
    merged = true;
  if (!merged && size_for(slots->count) < size_for(slots->capacity / 2))
    resize(at, ref, slots->count, tag);
}
