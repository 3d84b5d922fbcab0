/* What the calling process may still use of the machine. Children inherit it. */
#ifndef MC_OS_LIMITS_H
#define MC_OS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mc_limits {
  uint64_t memory; /* bytes of its own, on top of what it has now; 0: not limited */
  uint32_t cpu;    /* seconds on a core; then SIGXCPU, a second later SIGKILL; 0: not */
  uint32_t files;  /* descriptors, on top of those that it has now */
  bool files_limited;
};

/* Lowers the calling process's limits; none is ever raised above what it is. 0 or a
 * negated errno; then some may have been lowered. The descriptors in `closing` (-1: none)
 * are about to be closed, and count as such.
 *
 * Memory is counted as the kernel counts RLIMIT_DATA: pages that are writable and
 * private, used or not, so allocations fail with ENOMEM and nothing is killed. Shared
 * memory is not part of it. */
int mc_limits_enter(const struct mc_limits *limits, const int *closing, size_t n_closing);

/* Out of memory: gives the calling process a small reserve, enough to report it. A
 * limit of memory that was not lowered here is left alone. */
void mc_limits_give_reserve(void);

/* A descriptor through which the calling process's memory is read, closed on exec; or a
 * negated errno. It can be read where files can't be opened any more. */
int mc_memory_gauge_open(void);

/* The resident bytes that are no files' and no shared memory: its own, and what it still
 * shares with the process that it was forked from. 0 when that is not to be known. */
uint64_t mc_memory_gauge_read(int gauge);

#endif
