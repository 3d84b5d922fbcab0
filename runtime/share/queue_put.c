/* Putting: blocks are filled without a lock, and enter the queue with one store of its
 * tail.
 *
 *   slot.pending ─► block ─► block ─► …        slot.pending_segments ─► segment ─► …
 *         │ entries of tail_segment and of new ones, beyond tail: nobody looks there
 *         ▼
 *   put_rest, put_segment, put_tail, put_queue   what is to be true after the commit
 *   tail += n                                    the commit
 *   tail_segment, pending_segments, pending, put_queue = 0
 *
 * A death before put_queue is set leaves blocks and segments with the dead one; after it,
 * the next holder of the tail lock compares tail with put_tail and completes or forgets
 * (recover.c). A segment behind tail_segment is linked only after put_queue is set. */
#include "share/queue.h"

#include "base/error.h"
#include "share/life.h"
#include "share/local.h"
#include "share/lock.h"
#include "share/message.h"
#include "share/pause.h"
#include "share/queue_state.h"
#include "share/wait.h"
#include "share/wake.h"

#include <limits.h>
#include <string.h>

/* See keep_pace(). */
#define LARGE      ((uint64_t)1 << 16) /* bytes of a message */
#define FAR_AHEAD  ((uint64_t)1 << 21) /* bytes of those that wait */
#define PACE       4                   /* bytes a nanosecond: takers are no slower */
#define PACE_MOST  5000000u            /* nanoseconds */
#define PACE_PAUSE 32 /* messages that do not wait when nobody takes any */

static void copy_bytes(unsigned char *to, const struct mc_message *message) {
  if (message->length)
    memcpy(to, message->bytes, message->length);
  if (message->tail_length)
    memcpy(to + message->length, message->tail, message->tail_length);
}

/* A block for the message, linked to *link, its bytes and handles in it. 0 or an error.
 */
static int prepare(const struct mc_queue *queue, const struct mc_message *message,
                   mc_ref *link) {
  uint64_t flags = queue->on_death == MC_BURY ? MC_BLOCK_OBIT : 0;
  uint64_t overhead = mc_message_overhead(flags, message->n_handles);
  uint64_t length = message->length + message->tail_length;
  uint32_t size_class = mc_class_for(overhead + length);
  mc_ref ref;
  if (size_class != MC_CLASS_RUN) {
    ref = mc_block_take(size_class, link);
  } else {
    uint64_t bytes = sizeof(struct mc_block) + overhead + length;
    uint64_t spans = (bytes + MC_SPAN_BYTES - 1) / MC_SPAN_BYTES;
    if (spans > mc_heap_capacity())
      return MC_TOOBIG;
    ref = mc_heap_take_hard((uint32_t)spans, link);
  }
  if (ref == 0)
    return MC_NOMEM;
  struct mc_block *block = mc_block(ref);
  block->queue = mc_ref_of(queue);
  block->length = length;
  block->flags = flags;
  if (flags)
    mc_message_obit(block)->pid = 0;
  copy_bytes((unsigned char *)(block + 1) + overhead, message);
  if (message->n_handles) {
    memcpy(mc_message_handles(block), message->handles,
           message->n_handles * sizeof(mc_ref));
    mc_references_add(block, message->n_handles);
  }
  return 0;
}

/* Fills slot.pending with up to n messages. How many, or the error of the first. */
static int prepare_all(const struct mc_queue *queue, const struct mc_message *messages,
                       size_t n) {
  mc_ref *link = &mc_self->pending;
  for (size_t i = 0; i < n; i++) {
    int error = prepare(queue, &messages[i], link);
    if (error)
      return i ? (int)i : error;
    link = &mc_block(*link)->link;
  }
  return (int)n;
}

/* Makes pending_segments hold entries for n messages from `tail` on, beyond what the last
 * segment of the queue has. For how many there is room. */
static uint64_t prepare_segments(const struct mc_queue *queue, uint64_t tail,
                                 uint64_t n) {
  mc_ref *link = &mc_self->pending_segments;
  uint64_t room = 0;
  if (queue->tail_segment)
    room = mc_block(queue->tail_segment)->sequence + MC_SEGMENT_ENTRIES - tail;
  while (room < n) {
    mc_ref ref = mc_block_take(MC_CLASS_SEGMENT, link);
    if (ref == 0)
      return room;
    mc_block(ref)->sequence = tail + room;
    link = &mc_block(ref)->link;
    room += MC_SEGMENT_ENTRIES;
  }
  return n;
}

/* Writes the first n pending blocks into the entries from `tail` on. Sets put_segment and
 * put_rest. */
static void write_entries(const struct mc_queue *queue, uint64_t tail, uint64_t n) {
  struct mc_slot *self = mc_self;
  mc_ref at = queue->tail_segment ? queue->tail_segment : self->pending_segments;
  struct mc_segment *segment = mc_at(at);
  mc_ref ref = self->pending;
  for (uint64_t i = 0; i < n; i++) {
    if (tail + i == segment->block.sequence + MC_SEGMENT_ENTRIES) {
      at = at == queue->tail_segment ? self->pending_segments : segment->block.link;
      segment = mc_at(at);
    }
    struct mc_block *block = mc_block(ref);
    segment->entries[tail + i - segment->block.sequence] = ref;
    block->sequence = tail + i;
    ref = block->link;
  }
  self->put_segment = at;
  self->put_rest = ref;
}

static void commit(struct mc_queue *queue, uint64_t tail, uint64_t n) {
  struct mc_slot *self = mc_self;
  self->put_tail = tail;
  mc_order();
  self->put_queue = mc_ref_of(queue);
  mc_order();
  if (self->pending_segments) {
    if (queue->tail_segment)
      mc_block(queue->tail_segment)->link = self->pending_segments;
    else
      queue->head_segment = self->pending_segments;
  }
  mc_order();
  __atomic_store_n(&queue->tail, tail + n, __ATOMIC_RELEASE); /* the commit */
  mc_order();
  queue->tail_segment = self->put_segment;
  self->pending_segments = 0;
  self->pending = self->put_rest;
  mc_order();
  self->put_queue = 0;
  mc_order();
}

/* Puts up to n of the pending blocks. How many, or an error; the others stay pending. */
static int put_pending(struct mc_queue *queue, uint64_t n) {
  mc_lock(&queue->tail_lock);
  if (queue->closed) {
    mc_unlock(&queue->tail_lock);
    return MC_CLOSED;
  }
  uint64_t tail = queue->tail;
  if (queue->maxsize) {
    if (tail + n - queue->head_seen > queue->maxsize)
      queue->head_seen = __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE);
    uint64_t used = tail - queue->head_seen;
    uint64_t room = used < queue->maxsize ? queue->maxsize - used : 0;
    if (room < n)
      n = room;
  }
  bool full = n == 0;
  if (!full) {
    n = prepare_segments(queue, tail, n);
    if (n) {
      write_entries(queue, tail, n);
      commit(queue, tail, n);
    }
  }
  mc_unlock(&queue->tail_lock);
  return n ? (int)n : full ? MC_FULL : MC_NOMEM;
}

/* Frees the pending blocks behind the first n. */
static void keep_pending(uint64_t n) {
  mc_ref *link = &mc_self->pending;
  while (n--)
    link = &mc_block(*link)->link;
  while (*link)
    mc_message_free(*link, link, mc_block(*link)->link);
}

/* Frees what did not go in. */
static void clean_up(void) {
  if (__builtin_expect(mc_self->pending != 0, 0))
    mc_pending_free();
  if (__builtin_expect(mc_self->pending_segments != 0, 0))
    mc_pending_segments_free();
  if (__builtin_expect(mc_self->dying != 0, 0))
    mc_dismantle();
}

int mc_queue_try_put(mc_ref ref, const struct mc_message *messages, size_t n) {
  struct mc_queue *queue = mc_at(ref);
  if (n == 0)
    return 0;
  if (mc_queue_is_closed(queue))
    return MC_CLOSED;
  uint64_t room = mc_queue_room(queue);
  if (room == 0)
    return MC_FULL;
  if (n > room)
    n = room;
  if (n > INT_MAX)
    n = INT_MAX;
  uint32_t given = __atomic_load_n(&mc_space->given, __ATOMIC_ACQUIRE);
  int ready = prepare_all(queue, messages, n);
  int rc = ready > 0 ? put_pending(queue, (uint64_t)ready) : ready;
  /* The messages may have eaten up what a segment needs: fewer of them, then. */
  while (rc == MC_NOMEM && ready > 1) {
    mc_pending_segments_free();
    keep_pending((uint64_t)(ready -= (ready + 7) / 8));
    rc = put_pending(queue, (uint64_t)ready);
  }
  if (rc == MC_NOMEM)
    mc_local->given_seen = given;
  clean_up();
  mc_local->in_step = 0;
  if (rc > 0)
    mc_wake(&queue->readers, (uint64_t)rc);
  return rc;
}

/* true when somebody takes an item of the queue until then. */
static bool await_take(const struct mc_queue *queue, uint64_t head, mc_time until) {
  do {
    for (int i = 0; i < 16; i++) {
      if (__atomic_load_n(&queue->head, __ATOMIC_RELAXED) != head)
        return true;
      mc_pause();
    }
  } while (mc_now() < until);
  return false;
}

/* Who puts large messages faster than they are taken writes each of them to fresh memory,
 * which takes longer than to write and to read it, for the taker too. So it waits a
 * moment while others take, where a core is free for that. */
static void keep_pace(const struct mc_queue *queue, uint64_t length, mc_time deadline) {
  if (__builtin_expect(length < LARGE, 1))
    return;
  uint64_t head = __atomic_load_n(&queue->head, __ATOMIC_RELAXED);
  uint64_t waiting = __atomic_load_n(&queue->tail, __ATOMIC_RELAXED) - head;
  if (waiting * length < FAR_AHEAD ||
      __atomic_load_n(&mc_space->awake, __ATOMIC_RELAXED) > mc_space->cores)
    return;
  if (mc_local->pace_pause) {
    mc_local->pace_pause--;
    return;
  }
  mc_time wait = length / PACE;
  mc_time until = mc_now() + (wait < PACE_MOST ? wait : PACE_MOST);
  if (!await_take(queue, head, until < deadline ? until : deadline))
    mc_local->pace_pause = PACE_PAUSE;
}

int mc_queue_put(mc_ref queue, const struct mc_message *messages, size_t n,
                 mc_time deadline) {
  size_t done = 0;
  if (n == 1)
    keep_pace(mc_at(queue), messages->length + messages->tail_length, deadline);
  while (done < n) {
    int rc = mc_queue_try_put(queue, messages + done, n - done);
    if (rc > 0) {
      done += (size_t)rc;
      continue;
    }
    if (rc == MC_FULL || rc == MC_NOMEM) {
      struct mc_wait_for room = {queue, MC_WRITABLE};
      struct mc_wait_for memory = {0, MC_MEMORY};
      int waited = mc_wait(rc == MC_FULL ? &room : &memory, 1, deadline);
      if (waited == 0)
        continue;
      rc = waited == MC_TIMEOUT ? rc : waited;
    }
    return done ? (int)done : rc;
  }
  return (int)done;
}
