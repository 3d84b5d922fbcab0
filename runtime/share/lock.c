#include "share/lock.h"

#include "os/futex.h"
#include "share/pause.h"

#include <string.h>

/* In pauses. Each look takes the line of the cache from the holder, so they get rarer:
 * the holder then has the lock many times meanwhile, at the price of one who has it
 * alone. */
#define SPINS      600
#define FIRST_REST 8
#define LAST_REST  128

/* One who is woken, or is to wake, may be killed before that while a third one takes the
 * free word without the waiters' bit: then nobody is left to wake the others that sleep.
 * So no sleep is for ever (nanoseconds); tests/model/lock.pml shows that it is needed
 * after such a death only. */
#define LOOK_AGAIN ((uint64_t)50000000)

void mc_lock_init(struct mc_robust *lock, enum mc_lock_kind kind, mc_ref object) {
  memset(lock, 0, sizeof(*lock));
  lock->kind = kind;
  lock->object = object;
}

/* Takes the word if it is free or its holder died. `waiters`: to be set in it, since
 * others may sleep on it once we have slept. */
static bool try_word(uint32_t *word, uint32_t waiters) {
  uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
  if (old != 0 && !(old & MC_FUTEX_DIED))
    return false;
  uint32_t mine = mc_robust_thread.tid | (old & MC_FUTEX_WAITERS) | waiters;
  return __atomic_compare_exchange_n(word, &old, mine, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED);
}

void mc_lock_take_slow(struct mc_robust *lock) {
  uint32_t waiters = 0;
  int spins = mc_space->cores > 1 ? SPINS : 1;
  for (;;) {
    for (int i = 0, rest = FIRST_REST; i < spins; i += rest) {
      if (try_word(&lock->word, waiters))
        return;
      if (rest < LAST_REST)
        rest *= 2;
      for (int k = 0; k < rest; k++)
        mc_pause();
    }
    uint32_t old = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
    if (old == 0 || (old & MC_FUTEX_DIED))
      continue;
    if (!(old & MC_FUTEX_WAITERS) &&
        !__atomic_compare_exchange_n(&lock->word, &old, old | MC_FUTEX_WAITERS, false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
      continue;
    waiters = MC_FUTEX_WAITERS;
    mc_futex_wait(&lock->word, old | MC_FUTEX_WAITERS, LOOK_AGAIN);
  }
}

void mc_lock_wake(struct mc_robust *lock) {
  mc_futex_wake(&lock->word, 1);
}
