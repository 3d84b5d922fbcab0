/* Finding entries, and the few words that change when one is written. */
#include "share/dict_layout.h"
#include "share/undo.h"

#define MIX 0x9e3779b97f4a7c15u

static uint64_t fold(uint64_t a, uint64_t b) {
  __uint128_t product = (__uint128_t)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t mc_key_hash(const struct mc_key *key) {
  uint64_t hash = mc_space->id ^ ((uint64_t)key->length << 3 | key->kind) * MIX;
  const unsigned char *bytes = key->bytes;
  uint32_t n = key->length;
  uint64_t word;
  for (; n >= 8; n -= 8, bytes += 8) {
    memcpy(&word, bytes, 8);
    hash = fold(hash ^ word, MIX) + n;
  }
  word = 0;
  memcpy(&word, bytes, n);
  return fold(fold(hash ^ word, MIX), 0xd6e8feb86659fd93u ^ mc_space->id);
}

uint64_t *mc_slots_find(mc_ref ref, uint32_t tag, const struct mc_key *key,
                        uint64_t **hole) {
  *hole = NULL;
  if (ref == 0)
    return NULL;
  struct mc_slots *slots = mc_slots(ref);
  uint32_t i = mc_slots_home(slots, tag);
  for (uint32_t n = 0; n < slots->capacity; n++) {
    uint64_t slot = slots->slot[i];
    if (slot == MC_SLOT_EMPTY) {
      if (*hole == NULL)
        *hole = &slots->slot[i];
      return NULL;
    }
    if (slot == MC_SLOT_GONE) {
      if (*hole == NULL)
        *hole = &slots->slot[i];
    } else if ((uint32_t)(slot >> 32) == tag &&
               mc_node_has_key(mc_block((mc_ref)slot), key)) {
      return &slots->slot[i];
    }
    if (++i == slots->capacity)
      i = 0;
  }
  return NULL;
}

void mc_slot_replace(const struct mc_dict_at *at, uint64_t *slot, uint32_t tag) {
  struct mc_slot *self = mc_self;
  mc_ref fresh = self->pending;
  mc_ref old = (mc_ref)*slot;
  mc_block(old)->link = mc_block(fresh)->link;
  mc_block(fresh)->sequence = ++at->stripe->writes;
  mc_undo_begin(at->lock);
  mc_set64(slot, (uint64_t)tag << 32 | fresh);
  mc_set32(&self->pending, old);
  mc_undo_commit();
}

void mc_slot_fill(const struct mc_dict_at *at, struct mc_slots *slots, uint64_t *hole,
                  uint32_t tag) {
  struct mc_slot *self = mc_self;
  mc_ref fresh = self->pending;
  mc_block(fresh)->sequence = ++at->stripe->writes;
  mc_undo_begin(at->lock);
  if (*hole == MC_SLOT_EMPTY)
    mc_set32(&slots->used, slots->used + 1);
  mc_set64(hole, (uint64_t)tag << 32 | fresh);
  mc_set32(&slots->count, slots->count + 1);
  mc_set64(&at->stripe->count, at->stripe->count + 1);
  mc_set32(&self->pending, mc_block(fresh)->link);
  mc_undo_commit();
}

void mc_slot_clear(const struct mc_dict_at *at, struct mc_slots *slots, uint64_t *slot) {
  struct mc_slot *self = mc_self;
  mc_ref old = (mc_ref)*slot;
  uint64_t *next = slot + 1 == &slots->slot[slots->capacity] ? slots->slot : slot + 1;
  mc_block(old)->link = self->pending;
  at->stripe->writes++;
  mc_undo_begin(at->lock);
  if (*next == MC_SLOT_EMPTY) { /* no search has to go on here */
    mc_set64(slot, MC_SLOT_EMPTY);
    mc_set32(&slots->used, slots->used - 1);
  } else {
    mc_set64(slot, MC_SLOT_GONE);
  }
  mc_set32(&slots->count, slots->count - 1);
  mc_set64(&at->stripe->count, at->stripe->count - 1);
  mc_set32(&self->pending, old);
  mc_undo_commit();
}
