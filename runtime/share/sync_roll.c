/* The roll of a lock's like: who has something of it. */
#include "base/error.h"
#include "share/lock.h"
#include "share/member_state.h"
#include "share/message.h"
#include "share/sync_layout.h"
#include "share/undo.h"
#include "share/wake.h"

struct mc_entry *mc_roll_entry(struct mc_sync *sync, uint32_t i) {
  if (i < MC_ROLL_INLINE)
    return &sync->entries[i];
  i -= MC_ROLL_INLINE;
  mc_ref at = sync->more;
  for (; i >= MC_ROLL_BLOCK; i -= MC_ROLL_BLOCK)
    at = mc_block(at)->link;
  return &((struct mc_roll *)mc_at(at))->entries[i];
}

/* The pending block becomes the last one of the chain. */
static void link_block(struct mc_sync *sync) {
  mc_ref *link = &sync->more;
  for (uint32_t i = 0; i < sync->blocks; i++)
    link = &mc_block(*link)->link;
  mc_undo_begin(&sync->lock);
  mc_set32(link, mc_self->pending);
  mc_set32(&sync->blocks, sync->blocks + 1);
  mc_set32(&mc_self->pending, 0);
  mc_undo_commit();
}

int mc_roll_lock(struct mc_sync *sync) {
  for (;;) {
    mc_lock(&sync->lock);
    if (sync->n_roll < MC_ROLL_INLINE + sync->blocks * MC_ROLL_BLOCK)
      return 0;
    if (mc_self->pending) {
      link_block(sync);
      return 0;
    }
    mc_unlock(&sync->lock);
    if (mc_block_take(MC_CLASS_HOLDS, &mc_self->pending) == 0)
      return MC_NOMEM;
  }
}

void mc_roll_unlock(struct mc_sync *sync) {
  mc_unlock(&sync->lock);
  if (__builtin_expect(mc_self->pending != 0, 0))
    mc_pending_free();
}

uint32_t mc_roll_find(struct mc_sync *sync, uint32_t ticket) {
  uint64_t member = mc_member_pack(mc_member_self());
  for (uint32_t i = 0; i < sync->n_roll; i++) {
    const struct mc_entry *entry = mc_roll_entry(sync, i);
    if (entry->member == member && entry->a == ticket)
      return i;
  }
  return MC_NO_ENTRY;
}

void mc_roll_append(struct mc_sync *sync, uint32_t a, uint32_t b) {
  struct mc_entry *entry = mc_roll_entry(sync, sync->n_roll);
  *entry = (struct mc_entry){mc_member_pack(mc_member_self()), a, b};
  mc_set32(&sync->n_roll, sync->n_roll + 1);
}

void mc_roll_remove(struct mc_sync *sync, uint32_t i) {
  struct mc_entry *entry = mc_roll_entry(sync, i);
  const struct mc_entry *last = mc_roll_entry(sync, sync->n_roll - 1);
  mc_set64(&entry->member, last->member);
  mc_set32(&entry->a, last->a);
  mc_set32(&entry->b, last->b);
  mc_set32(&sync->n_roll, sync->n_roll - 1);
}

bool mc_entry_gone(const struct mc_entry *entry) {
  return mc_member_gone(mc_member_unpack(entry->member));
}

void mc_ringing_ring(const struct mc_ringing *ringing) {
  for (uint32_t word = 0; word < MC_MEMBERS / 64; word++)
    for (uint64_t bits = ringing->bits[word]; bits; bits &= bits - 1)
      mc_ring(mc_slot(word * 64 + (uint32_t)__builtin_ctzll(bits)));
}
