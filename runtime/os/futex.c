#include "os/futex.h"

#include "os/clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* The kernel's struct futex_waitv, which older headers lack. */
struct wait_entry {
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};

#define WORD_IS_32_BITS 2u

static struct timespec timespec_of(uint64_t nanoseconds) {
  struct timespec t = {.tv_sec = (time_t)(nanoseconds / 1000000000u),
                       .tv_nsec = (long)(nanoseconds % 1000000000u)};
  return t;
}

int mc_futex_wait(const uint32_t *word, uint32_t value, uint64_t nanoseconds) {
  struct timespec t = timespec_of(nanoseconds);
  struct timespec *limit = nanoseconds == MC_FUTEX_SLEEP_FOREVER ? NULL : &t;
  if (syscall(SYS_futex, word, FUTEX_WAIT, value, limit, NULL, 0) == 0)
    return 0;
  return -errno;
}

void mc_futex_wake(uint32_t *word, int n) {
  syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);
}

int mc_futex_wait_any(const struct mc_futex_word *words, size_t n, uint64_t nanoseconds) {
  struct wait_entry entries[MC_FUTEX_WAITV_MAX];
  if (n == 0 || n > MC_FUTEX_WAITV_MAX)
    return -EINVAL;
  for (size_t i = 0; i < n; i++)
    entries[i] = (struct wait_entry){.value = words[i].value,
                                     .address = (uint64_t)(uintptr_t)words[i].word,
                                     .flags = WORD_IS_32_BITS};
  struct timespec t, *limit = NULL;
  if (nanoseconds != MC_FUTEX_SLEEP_FOREVER) {
    t = timespec_of(mc_now() + nanoseconds); /* this call wants a point in time */
    limit = &t;
  }
  long rc = syscall(SYS_futex_waitv, entries, n, 0, limit, CLOCK_MONOTONIC);
  return rc >= 0 ? 0 : -errno;
}
