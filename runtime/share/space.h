/* The space: one nameless shared mapping that a tree of processes lives on.
 *
 * It is made before the first fork, so every process has it at the same address and an
 * object made later is reachable from processes that were started earlier. There is one
 * space in a process; it is sealed against shrinking, reserved without commitment, and
 * grown by fallocate, so that exhaustion is MC_NOMEM and never a SIGBUS. */
#ifndef MC_SHARE_SPACE_H
#define MC_SHARE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in the space: byte offset / 16, so 64 GiB can be addressed; 0 is "none".
 * References inside the space are always of this type, never pointers. */
typedef uint32_t mc_ref;

struct mc_space_stats {
  uint64_t limit;  /* bytes that may be used at most */
  uint64_t carved; /* bytes taken from the mapping so far: the high-water mark */
  uint64_t
      in_use; /* bytes of live blocks: what is neither free, nor in a cache or a depot */
  uint32_t members; /* participants alive */
  uint32_t objects; /* objects alive */
};

/* Makes the space with room for `limit` bytes (0: the default, from
 * MOONCREW_SHARED_MEMORY or half of the machine's memory) and makes the calling thread
 * its first participant. 0, -ENOMEM, -EINVAL (limit below the minimum) or another errno;
 * on failure nothing is left. */
int mc_space_create(uint64_t limit);

/* true once this process has a space, its own or an inherited one. */
bool mc_space_exists(void);

/* Unmaps the space in this process. The caller's participant must have left. */
void mc_space_destroy(void);

/* Walks the whole space under its locks: for tests and `top`, not for a hot path. */
void mc_space_stats(struct mc_space_stats *stats);

#endif
