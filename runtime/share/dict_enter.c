/* Getting in: one stripe, or the whole dict.
 *
 * Who wants the dict alone takes its update lock, sets `exclusive`, and passes once
 * through the lock of each stripe: whoever was inside is out then, and who comes later
 * sees `exclusive`, leaves, and waits on the update lock. That lock says in `object`
 * which dict it is taken for: its next holder after a death takes back what had been
 * done. */
#include "share/dict_layout.h"

#include "os/clock.h"
#include "share/dict.h"
#include "share/undo.h"

#include <limits.h>

#define MILLISECOND   ((uint64_t)1000000)
#define HOLD_BACK     (20 * MILLISECOND)   /* how long writers let a modifier go first */
#define TURN_AT_MOST  (1000 * MILLISECOND) /* then a turn may be taken away */
#define LOOK_AT_LEAST MILLISECOND          /* a dead holder wakes nobody */

void mc_dict_recover(struct mc_robust *lock) {
  if (lock->object == 0)
    return;
  struct mc_dict *dict = mc_at(lock->object);
  if (dict->exclusive) {
    /* Taking back is sections of ours: should we die in one, the lock's next holder must
     * look for it in our slot, and no more in that of who died first. */
    mc_order();
    lock->owner = mc_slot_index(mc_self) + 1;
    mc_order();
    mc_dict_take_back(dict);
    mc_order();
    __atomic_store_n(&dict->exclusive, 0, __ATOMIC_RELEASE);
  }
  mc_order();
  lock->object = 0;
}

static void await_exclusive(struct mc_dict *dict) {
  struct mc_robust *lock = mc_update_lock(dict);
  mc_lock(lock);
  mc_unlock(lock);
}

void mc_dict_enter(struct mc_dict *dict, uint32_t stripe, struct mc_dict_at *at) {
  at->dict = dict;
  at->alone = false;
  for (;;) {
    mc_ref stripes = __atomic_load_n(&dict->opened, __ATOMIC_ACQUIRE);
    at->lock = mc_table_lock(dict, stripes ? stripe : 0);
    if (stripes == 0 && __atomic_load_n(&at->lock->word, __ATOMIC_RELAXED) != 0)
      __atomic_fetch_add(&dict->met, 1, __ATOMIC_RELAXED);
    mc_lock(at->lock);
    bool closed = __atomic_load_n(&dict->exclusive, __ATOMIC_ACQUIRE);
    mc_ref opened = __atomic_load_n(&dict->opened, __ATOMIC_ACQUIRE);
    if (__builtin_expect(!closed && opened == stripes, 1)) {
      if (__builtin_expect(dict->stripes == stripes, 1)) {
        at->stripe = stripes ? mc_stripe(stripes, stripe) : &dict->stripe;
        return;
      }
      /* With the lock of stripe 0 in hand it is sure that they stay, whatever became of
       * their maker: others may go into them by the locks of their own. */
      __atomic_store_n(&dict->opened, dict->stripes, __ATOMIC_RELEASE);
    }
    mc_unlock(at->lock);
    if (closed)
      await_exclusive(dict);
  }
}

static bool is_dead(uint32_t turn) {
  if (!(__atomic_load_n(&mc_space->seats[turn - 1], __ATOMIC_ACQUIRE) & MC_SEAT_USED))
    return true;
  uint32_t life = __atomic_load_n(&mc_slot(turn - 1)->life.word, __ATOMIC_ACQUIRE);
  return life & MC_FUTEX_DIED;
}

/* Waits until the turn is over, its holder is dead, or the time is up. */
static void await_turn(struct mc_dict *dict, uint64_t at_most) {
  mc_time end = mc_now() + at_most;
  uint32_t turn;
  while ((turn = __atomic_load_n(&dict->turn, __ATOMIC_ACQUIRE)) != 0) {
    if (turn == mc_slot_index(mc_self) + 1 || is_dead(turn) || mc_now() >= end)
      return;
    mc_futex_wait(&dict->turn, turn, LOOK_AT_LEAST);
  }
}

void mc_dict_enter_to_write(struct mc_dict *dict, uint32_t stripe,
                            struct mc_dict_at *at) {
  if (__builtin_expect(__atomic_load_n(&dict->turn, __ATOMIC_RELAXED) != 0, 0))
    await_turn(dict, HOLD_BACK);
  mc_dict_enter(dict, stripe, at);
}

void mc_dict_turn_take(mc_ref ref) {
  struct mc_dict *dict = mc_at(ref);
  await_turn(dict, TURN_AT_MOST);
  /* Perhaps another is faster: then nobody is worse off than without turns. */
  uint32_t turn = __atomic_load_n(&dict->turn, __ATOMIC_RELAXED);
  __atomic_compare_exchange_n(&dict->turn, &turn, mc_slot_index(mc_self) + 1, false,
                              __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void mc_dict_turn_end(mc_ref ref) {
  struct mc_dict *dict = mc_at(ref);
  uint32_t mine = mc_slot_index(mc_self) + 1;
  if (__atomic_compare_exchange_n(&dict->turn, &mine, 0, false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_RELAXED))
    mc_futex_wake(&dict->turn, INT_MAX);
}

static void sweep(struct mc_dict *dict, uint32_t n) {
  struct mc_robust *lock = mc_table_lock(dict, n);
  mc_lock(lock);
  mc_unlock(lock);
}

void mc_dict_seize(struct mc_dict *dict, struct mc_dict_at *at) {
  struct mc_robust *lock = mc_update_lock(dict);
  mc_lock(lock);
  lock->object = mc_ref_of(dict);
  mc_order();
  __atomic_store_n(&dict->exclusive, 1, __ATOMIC_SEQ_CST);
  sweep(dict, 0); /* now the stripes can't come into being any more */
  if (dict->stripes)
    for (uint32_t i = 1; i < MC_STRIPES; i++)
      sweep(dict, i);
  *at = (struct mc_dict_at){dict, &dict->stripe, lock, true};
}

void mc_dict_release(struct mc_dict *dict) {
  struct mc_robust *lock = mc_update_lock(dict);
  mc_order();
  __atomic_store_n(&dict->exclusive, 0, __ATOMIC_RELEASE);
  mc_order();
  lock->object = 0;
  mc_unlock(lock);
}

void mc_dict_go_to(struct mc_dict_at *at, uint64_t hash) {
  mc_ref stripes = at->dict->stripes;
  at->stripe = stripes ? mc_stripe(stripes, mc_hash_stripe(hash)) : &at->dict->stripe;
}
