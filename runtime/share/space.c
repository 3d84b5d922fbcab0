/* Making the space: one mapping, laid out as in layout.h. */
#include "share/space.h"

#include "base/error.h"
#include "base/size.h"
#include "os/cores.h"
#include "os/map.h"
#include "os/random.h"
#include "share/cache.h"
#include "share/lock.h"
#include "share/member.h"
#include "share/member_state.h"

#include <errno.h>
#include <stdlib.h>

struct mc_space *mc_space;

#define MIN_LIMIT ((uint64_t)1 << 20)
#define MAX_LIMIT                                                                        \
  (((uint64_t)1 << 36) - ((uint64_t)1 << 26)) /* what an mc_ref reaches                  \
                                               */
#define LEAST_HALF ((uint64_t)64 << 20) /* the default is not made smaller than this */

static uint64_t page_up(uint64_t bytes) {
  return (bytes + MC_PAGE - 1) & ~(uint64_t)(MC_PAGE - 1);
}

static uint64_t span_up(uint64_t bytes) {
  return (bytes + MC_SPAN_BYTES - 1) / MC_SPAN_BYTES * MC_SPAN_BYTES;
}

/* The header's own pages are there and zero. */
static void init(struct mc_space *space, uint64_t size, uint64_t spans) {
  space->magic = MC_MAGIC;
  space->id = mc_random64();
  space->size = size;
  space->slots_at = page_up(sizeof(struct mc_space));
  space->table_at = space->slots_at + (uint64_t)MC_MEMBERS * sizeof(struct mc_slot);
  space->spans_at = span_up(space->table_at + spans * sizeof(struct mc_span));
  space->max_spans = (uint32_t)spans;
  space->cores = mc_cores();
  /* A small space can't afford to have much of it lie in magazines. */
  uint64_t bytes = spans * MC_SPAN_BYTES / 1024;
  bytes = bytes < 4096 ? 4096 : bytes > 65536 ? 65536 : bytes;
  for (uint32_t i = 0; i < MC_CLASSES; i++) {
    uint64_t n = bytes / mc_class_bytes[i];
    space->magazine[i] = (uint16_t)(n > 32 ? 32 : n < 1 ? 1 : n);
    mc_lock_init(&space->depots[i].lock, MC_LOCK_DEPOT, i);
  }
  mc_lock_init(&space->members_lock, MC_LOCK_MEMBERS, 0);
  mc_lock_init(&space->objects_lock, MC_LOCK_OBJECTS, 0);
  mc_lock_init(&space->heap_lock, MC_LOCK_HEAP, 0);
  for (uint32_t i = 0; i < MC_TABLE_LOCKS; i++)
    mc_lock_init(&space->table_locks[i].lock, MC_LOCK_TABLE, 0);
  for (uint32_t i = 0; i < MC_UPDATE_LOCKS; i++)
    mc_lock_init(&space->update_locks[i].lock, MC_LOCK_UPDATE, 0);
}

static int create(uint64_t limit) {
  uint64_t spans = limit / MC_SPAN_BYTES;
  uint64_t size = page_up(sizeof(struct mc_space)) +
                  (uint64_t)MC_MEMBERS * sizeof(struct mc_slot) +
                  spans * sizeof(struct mc_span);
  size = span_up(size) + spans * MC_SPAN_BYTES;
  void *base;
  int error = mc_map_create(size, &base);
  if (error)
    return error;
  error = mc_map_commit(base, 0, sizeof(struct mc_space));
  if (!error) {
    mc_space = base;
    init(mc_space, size, spans);
    struct mc_member first;
    error = mc_member_first(&first);
    if (!error)
      error = mc_member_adopt(first);
  }
  if (error) {
    mc_space = NULL;
    mc_map_destroy(base, size);
    return error == MC_NOMEM ? -ENOMEM : error;
  }
  return 0;
}

int mc_space_create(uint64_t limit) {
  if (mc_space != NULL)
    return -EALREADY;
  const char *wanted = getenv("MOONCREW_SHARED_MEMORY");
  bool by_default = false;
  if (limit == 0 && wanted != NULL && *wanted) {
    limit = mc_parse_size(wanted);
    if (limit == 0)
      return -EINVAL;
  } else if (limit == 0) {
    by_default = true;
    limit = mc_memory_total() / 2;
    if (limit < LEAST_HALF)
      limit = LEAST_HALF;
  }
  if (limit < MIN_LIMIT)
    return -EINVAL;
  if (limit > MAX_LIMIT)
    limit = MAX_LIMIT;
  int error = create(limit);
  /* Nobody asked for that much: a limit of addresses (ulimit -v) may allow less. */
  while (error == -ENOMEM && by_default && limit > LEAST_HALF) {
    limit /= 2;
    error = create(limit);
  }
  return error;
}

bool mc_space_exists(void) {
  return mc_space != NULL;
}

void mc_space_destroy(void) {
  if (mc_space == NULL)
    return;
  struct mc_space *space = mc_space;
  mc_space = NULL;
  mc_map_destroy(space, space->size);
}
