/* Making a dict and reading it. */
#include "share/dict.h"

#include "base/error.h"
#include "share/dict_layout.h"
#include "share/object_make.h"

int mc_dict_create(mc_ref *dict) {
  mc_ref ref = mc_object_begin();
  if (ref == 0)
    return MC_NOMEM;
  mc_object_finish(ref, MC_KIND_DICT);
  *dict = ref;
  return 0;
}

/* The node of the key, or NULL. */
static struct mc_block *find(const struct mc_dict_at *at, uint64_t hash,
                             const struct mc_key *key) {
  uint64_t *hole;
  uint32_t tag = mc_hash_tag(hash);
  uint64_t *slot = mc_slots_find(mc_stripe_slots(at->stripe, tag), tag, key, &hole);
  return slot ? mc_block((mc_ref)*slot) : NULL;
}

int mc_dict_get(mc_ref dict, const struct mc_key *key, struct mc_batch *batch) {
  uint64_t hash = mc_key_hash(key);
  struct mc_dict_at at;
  mc_dict_enter(mc_at(dict), mc_hash_stripe(hash), &at);
  struct mc_block *node = find(&at, hash, key);
  int error = node ? mc_batch_add_node(batch, node, false, SIZE_MAX) : 0;
  mc_dict_leave(&at);
  mc_dict_spread_if_met(at.dict);
  return error ? error : node != NULL;
}

bool mc_dict_has(mc_ref dict, const struct mc_key *key) {
  uint64_t hash = mc_key_hash(key);
  struct mc_dict_at at;
  mc_dict_enter(mc_at(dict), mc_hash_stripe(hash), &at);
  bool found = find(&at, hash, key) != NULL;
  mc_dict_leave(&at);
  return found;
}

uint64_t mc_dict_size(mc_ref ref) {
  struct mc_dict *dict = mc_at(ref);
  struct mc_dict_at at;
  mc_dict_enter(dict, 0, &at);
  bool small = dict->stripes == 0;
  uint64_t size = dict->stripe.count;
  mc_dict_leave(&at);
  if (small)
    return size;
  mc_dict_seize(dict, &at);
  size = dict->stripe.count;
  if (dict->stripes) {
    size = 0;
    for (uint32_t i = 0; i < MC_STRIPES; i++)
      size += mc_stripe(dict->stripes, i)->count;
  }
  mc_dict_release(dict);
  return size;
}
