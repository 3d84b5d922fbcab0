#include "share/wake.h"

#include "os/bell.h"
#include "os/futex.h"
#include "share/hunger.h"
#include "share/local.h"

void mc_mask_set(struct mc_mask *mask, uint32_t slot) {
  __atomic_fetch_or(&mask->words[slot / 64], (uint64_t)1 << slot % 64, __ATOMIC_SEQ_CST);
  __atomic_fetch_or(&mask->summary, 1u << slot / 64, __ATOMIC_SEQ_CST);
}

bool mc_mask_clear(struct mc_mask *mask, uint32_t slot) {
  uint64_t bit = (uint64_t)1 << slot % 64;
  return __atomic_fetch_and(&mask->words[slot / 64], ~bit, __ATOMIC_SEQ_CST) & bit;
}

static bool take_bit(struct mc_mask *mask, uint32_t slot) {
  return __atomic_load_n(&mc_slot(slot)->asleep, __ATOMIC_RELAXED) == MC_AWAKE &&
         mc_mask_clear(mask, slot);
}

/* Clears one bit: its slot, or -1 when there is none in this word. One who is awake and
 * looks needs no system call to see the ring. */
static int pick(struct mc_mask *mask, uint32_t word) {
  uint32_t looker = __atomic_load_n(&mask->looker, __ATOMIC_RELAXED);
  if (looker && take_bit(mask, looker - 1))
    return (int)looker - 1;
  uint64_t bits = __atomic_load_n(&mask->words[word], __ATOMIC_SEQ_CST);
  while (bits) {
    uint32_t bit = (uint32_t)__builtin_ctzll(bits);
    if (__atomic_compare_exchange_n(&mask->words[word], &bits,
                                    bits & ~((uint64_t)1 << bit), false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
      return (int)(word * 64 + bit);
  }
  return -1;
}

void mc_wake_some(struct mc_mask *mask, uint64_t n) {
  while (n) {
    uint32_t summary = __atomic_load_n(&mask->summary, __ATOMIC_SEQ_CST);
    if (summary == 0)
      return;
    uint32_t word = (uint32_t)__builtin_ctz(summary);
    int slot = pick(mask, word);
    if (slot >= 0) {
      mc_ring(mc_slot((uint32_t)slot));
      n--;
      continue;
    }
    /* The word is empty: say so, unless a sleeper came before it was said. */
    __atomic_fetch_and(&mask->summary, ~(1u << word), __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&mask->words[word], __ATOMIC_SEQ_CST) != 0)
      __atomic_fetch_or(&mask->summary, 1u << word, __ATOMIC_SEQ_CST);
  }
}

void mc_ring(struct mc_slot *slot) {
  __atomic_fetch_add(&slot->bell, 1, __ATOMIC_SEQ_CST);
  uint32_t asleep = __atomic_load_n(&slot->asleep, __ATOMIC_SEQ_CST);
  /* Counted here and not by the woken one alone: it may wait for this core, on which else
   * the waker would look for what only that one can bring. */
  if (asleep != MC_AWAKE)
    mc_awake_count(slot, true);
  if (asleep == MC_SLEEPS_ON_BELL)
    mc_futex_wake(&slot->bell, 1);
  else if (asleep == MC_SLEEPS_IN_LOOP)
    mc_bell_send(&mc_local->sender, mc_space->id, mc_bell_number(slot));
}

void mc_ring_all(void) {
  uint32_t high = __atomic_load_n(&mc_space->seats_high, __ATOMIC_ACQUIRE);
  for (uint32_t i = 0; i < high; i++)
    if (__atomic_load_n(&mc_space->seats[i], __ATOMIC_ACQUIRE) & MC_SEAT_USED)
      mc_ring(mc_slot(i));
}

void mc_ring_sleepers(void) {
  uint32_t high = __atomic_load_n(&mc_space->seats_high, __ATOMIC_ACQUIRE);
  for (uint32_t i = 0; i < high; i++) {
    if (!(__atomic_load_n(&mc_space->seats[i], __ATOMIC_ACQUIRE) & MC_SEAT_USED))
      continue;
    struct mc_slot *slot = mc_slot(i);
    if (slot != mc_self && __atomic_load_n(&slot->asleep, __ATOMIC_SEQ_CST) != MC_AWAKE)
      mc_ring(slot);
  }
}

void mc_memory_given(void) {
  __atomic_fetch_add(&mc_space->given, 1, __ATOMIC_SEQ_CST);
  mc_wake(&mc_space->hungry, 1);
}

void mc_awake_count(struct mc_slot *slot, bool awake) {
  uint32_t now = awake;
  if (__atomic_load_n(&slot->counted, __ATOMIC_RELAXED) == now ||
      __atomic_exchange_n(&slot->counted, now, __ATOMIC_RELAXED) == now)
    return;
  if (awake)
    __atomic_fetch_add(&mc_space->awake, 1, __ATOMIC_RELAXED);
  else
    __atomic_fetch_sub(&mc_space->awake, 1, __ATOMIC_RELAXED);
}
