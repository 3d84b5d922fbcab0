/* What a dict is made of.
 *
 *   dict ─► stripe                      while it is small
 *        └► stripes ─► 32 × stripe      afterwards
 *
 *   stripe ─► slots                     depth 0
 *          └► directory ─► slots, slots, …      2^depth references, by the first bits of
 *                                               the tag; a slots block of depth d is
 *                                               there 2^(depth - d) times in a row
 *   slots ─► node, node, …
 *
 * The hash of a key: its 5 highest bits choose the stripe, its 32 lowest are the tag. A
 * slots block is a small open-addressed table: a node's home is its tag, without the bits
 * that the directory used, scaled to the capacity. A full one grows, and the largest is
 * split in two; so no step ever touches more than one such block, however large the dict
 * is.
 *
 * Positions: stripe << 32 | tag orders all keys in the same way, however the dict grows
 * and shrinks; an iteration is a position up to which everything was seen.
 *
 * Who writes: [stripe] the holder of the stripe's lock, who has found `exclusive` 0, or
 * the one who set `exclusive`. [update] the holder of the update lock. */
#ifndef MC_SHARE_DICT_LAYOUT_H
#define MC_SHARE_DICT_LAYOUT_H

#include "share/layout.h"
#include "share/node.h"
#include "share/table_lock.h"

#define MC_STRIPES     32u
#define MC_STRIPE_BITS 5u
#define MC_DICT_SMALL  128u /* entries up to which one stripe is enough, */
#define MC_DICT_MET    100u /* unless processes have met in it so often */
#define MC_DEPTH_MAX   24u  /* bits of the tag that a directory may use */

struct mc_stripe {
  mc_ref root;     /* [stripe]: slots or directory; 0: no entry */
  uint32_t depth;  /* [stripe]: of the directory; 0: there is none */
  uint64_t count;  /* [stripe]: entries */
  uint64_t writes; /* [stripe]: writes so far, where versions come from; never goes back
                    */
};

struct mc_stripes {
  struct mc_block block;
  struct {
    struct mc_stripe stripe;
    uint64_t unused[5]; /* processes in different stripes share no cache line */
  } part[MC_STRIPES];
};

struct mc_dict {
  struct mc_block block;
  struct mc_object object;
  struct mc_stripe stripe; /* [stripe 0], while stripes is 0 */
  mc_ref stripes;          /* [stripe 0] makes it, [update] drops it */
  mc_ref opened;           /* the same, or 0 while they may still be taken back, and as
                              long as somebody has the dict alone who made them; read by
                              anybody */
  uint32_t exclusive;      /* [update]: not 0: nobody else may touch the dict */
  mc_ref applied; /* [update]: nodes of an unfinished update that are in, by link */
  uint32_t turn;  /* [any]: a futex: slot + 1 of who modifies an entry; a hint */
  uint32_t met;   /* [any]: how often one met another inside of the small dict; a hint */
  uint32_t unused;
};
_Static_assert(sizeof(struct mc_dict) <= 128, "a dict fits in its class");

struct mc_directory {
  struct mc_block block;
  mc_ref slots[];
};

#define MC_SLOT_EMPTY 0u
#define MC_SLOT_GONE  1u /* an entry was there: searches go on behind it */

struct mc_slots { /* [stripe] */
  struct mc_block block;
  uint32_t capacity;
  uint32_t depth;  /* bits of the tag that its nodes have in common */
  uint32_t count;  /* nodes */
  uint32_t used;   /* slots that are not empty */
  uint64_t slot[]; /* tag << 32 | node */
};

static inline struct mc_slots *mc_slots(mc_ref ref) {
  return mc_at(ref);
}

static inline struct mc_stripe *mc_stripe(mc_ref stripes, uint32_t n) {
  return &((struct mc_stripes *)mc_at(stripes))->part[n].stripe;
}

/* Where the search for a tag begins. */
static inline uint32_t mc_slots_home(const struct mc_slots *slots, uint32_t tag) {
  uint64_t rest = (uint32_t)(tag << slots->depth);
  return (uint32_t)(rest * slots->capacity >> 32);
}

static inline uint32_t mc_directory_index(uint32_t depth, uint32_t tag) {
  return depth ? tag >> (32 - depth) : 0;
}

/* The slots block of a tag; 0 when the stripe is empty. */
static inline mc_ref mc_stripe_slots(const struct mc_stripe *stripe, uint32_t tag) {
  if (stripe->depth == 0)
    return stripe->root;
  const struct mc_directory *directory = mc_at(stripe->root);
  return directory->slots[mc_directory_index(stripe->depth, tag)];
}

static inline uint32_t mc_hash_tag(uint64_t hash) {
  return (uint32_t)hash;
}

static inline uint32_t mc_hash_stripe(uint64_t hash) {
  return (uint32_t)(hash >> (64 - MC_STRIPE_BITS));
}

/* Seeded by the space, so that no one from outside can choose keys that collide. */
uint64_t mc_key_hash(const struct mc_key *key);

/* Where an operation is: under the stripe's lock, or, with `lock` the update lock, alone
 * in the whole dict. */
struct mc_dict_at {
  struct mc_dict *dict;
  struct mc_stripe *stripe;
  struct mc_robust *lock;
  bool alone;
};

/* dict_enter.c */

/* Takes the lock of the stripe number (of the hash's, for a hash >> 58), waiting while
 * somebody has the dict alone. */
void mc_dict_enter(struct mc_dict *dict, uint32_t stripe, struct mc_dict_at *at);

/* The same, for a writer: lets one who modifies go first, for a while. */
void mc_dict_enter_to_write(struct mc_dict *dict, uint32_t stripe, struct mc_dict_at *at);

static inline void mc_dict_leave(const struct mc_dict_at *at) {
  if (!at->alone)
    mc_unlock(at->lock);
}

/* The whole dict for the caller alone: the update lock, and nobody in any stripe. */
void mc_dict_seize(struct mc_dict *dict, struct mc_dict_at *at);
void mc_dict_release(struct mc_dict *dict);

/* Alone: the stripe that a hash belongs to. */
void mc_dict_go_to(struct mc_dict_at *at, uint64_t hash);

/* Alone: takes back the nodes of an unfinished update. */
void mc_dict_take_back(struct mc_dict *dict);

/* The former holder of the update lock has died: see recover.c. */
void mc_dict_recover(struct mc_robust *lock);

/* dict_slots.c */

/* The slot of the key, or NULL; then *hole is where it would go (NULL: no slots). */
uint64_t *mc_slots_find(mc_ref slots, uint32_t tag, const struct mc_key *key,
                        uint64_t **hole);

/* Puts the first pending node into the slot found: replaces what is there, which becomes
 * pending in its place. */
void mc_slot_replace(const struct mc_dict_at *at, uint64_t *slot, uint32_t tag);

/* Puts the first pending node into the hole. */
void mc_slot_fill(const struct mc_dict_at *at, struct mc_slots *slots, uint64_t *hole,
                  uint32_t tag);

/* Takes the entry out; its node becomes the first pending one. */
void mc_slot_clear(const struct mc_dict_at *at, struct mc_slots *slots, uint64_t *slot);

/* dict_grow.c */

/* Makes sure that one more entry with that tag has room. 0: it has. 1: the stripes have
 * changed, or blocks moved: enter or look again. MC_NOMEM: nothing has changed. */
int mc_dict_make_room(const struct mc_dict_at *at, uint32_t tag);

/* Makes stripes of a small dict in which processes meet. The caller is outside and has
 * nothing pending; without memory nothing has changed. */
void mc_dict_spread(struct mc_dict *dict);

static inline void mc_dict_spread_if_met(struct mc_dict *dict) {
  if (__builtin_expect(__atomic_load_n(&dict->met, __ATOMIC_RELAXED) >= MC_DICT_MET, 0))
    mc_dict_spread(dict);
}

/* Gives back slots that are not needed any more, if there is memory to do so. */
void mc_dict_shrink(const struct mc_dict_at *at, uint32_t tag);

/* Where the next block may be linked behind all that is pending. */
static inline mc_ref *mc_pending_end(void) {
  mc_ref *link = &mc_self->pending;
  while (*link)
    link = &mc_block(*link)->link;
  return link;
}

/* dict_end.c: takes one piece out of a dict that nobody else can reach. */
void mc_dict_detach_piece(struct mc_dict *dict);

#endif
