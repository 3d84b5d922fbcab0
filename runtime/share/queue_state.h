/* What can be seen of a queue without its locks. */
#ifndef MC_SHARE_QUEUE_STATE_H
#define MC_SHARE_QUEUE_STATE_H

#include "share/layout.h"

static inline bool mc_queue_is_closed(const struct mc_queue *queue) {
  return __atomic_load_n(&queue->closed, __ATOMIC_ACQUIRE) != 0;
}

/* A take would find something. */
static inline bool mc_queue_has_items(const struct mc_queue *queue) {
  uint64_t head = __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE);
  return __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE) != head ||
         __atomic_load_n(&queue->returned, __ATOMIC_ACQUIRE) != 0;
}

/* For how many items there is room. */
static inline uint64_t mc_queue_room(const struct mc_queue *queue) {
  if (queue->maxsize == 0)
    return UINT64_MAX;
  uint64_t head = __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE);
  uint64_t used = __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE) - head;
  return used < queue->maxsize ? queue->maxsize - used : 0;
}

#endif
