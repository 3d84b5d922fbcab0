/* Futexes on words that are shared between processes. */
#ifndef MC_OS_FUTEX_H
#define MC_OS_FUTEX_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define MC_FUTEX_WAITERS 0x80000000u /* somebody may sleep on the word */
#define MC_FUTEX_DIED    0x40000000u /* set by the kernel: the holder died */
#define MC_FUTEX_TID     0x3fffffffu /* the holder's thread id */

#define MC_FUTEX_SLEEP_FOREVER UINT64_MAX

/* Sleeps while *word == value, at most `nanoseconds`. 0: woken (or for no reason),
 * -EAGAIN: the word differs, -ETIMEDOUT, -EINTR. */
int mc_futex_wait(const uint32_t *word, uint32_t value, uint64_t nanoseconds);

/* Wakes up to `n` sleepers; INT_MAX: all. */
void mc_futex_wake(uint32_t *word, int n);

#define MC_FUTEX_WAITV_MAX 128

struct mc_futex_word {
  const uint32_t *word;
  uint32_t value;
};

/* Sleeps while each of the n words has its value. As mc_futex_wait, or -ENOSYS on kernels
 * before 5.16, -EINVAL for n of 0 or above MC_FUTEX_WAITV_MAX. */
int mc_futex_wait_any(const struct mc_futex_word *words, size_t n, uint64_t nanoseconds);

#endif
