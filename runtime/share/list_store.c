/* Rings of cells: making them, making room, giving back. */
#include "base/error.h"
#include "share/list_layout.h"
#include "share/undo.h"

#define LEAST_CHUNKS 8u
#define KEEP         32u /* a block with fewer cells is not given back */

/* A block of at least `bytes` behind its header. */
static mc_ref take(uint64_t bytes, mc_ref *link) {
  uint32_t size_class = mc_class_for(bytes);
  if (size_class != MC_CLASS_RUN)
    return mc_block_take(size_class, link);
  uint64_t spans = (bytes + sizeof(struct mc_block) + MC_SPAN_BYTES - 1) / MC_SPAN_BYTES;
  return spans > mc_heap_capacity() ? 0 : mc_heap_take_hard((uint32_t)spans, link);
}

static bool make_directory(struct mc_ring *ring, uint64_t chunks, mc_ref *link) {
  if (chunks > UINT32_MAX / 2)
    return false;
  uint32_t n = LEAST_CHUNKS;
  while (n < chunks)
    n *= 2;
  mc_ref ref = take(n * sizeof(mc_ref), link);
  if (ref == 0)
    return false;
  memset(((struct mc_chunks *)mc_at(ref))->chunk, 0, n * sizeof(mc_ref));
  *ring = (struct mc_ring){ref, n, (uint64_t)n * MC_CHUNK, 0};
  return true;
}

/* Chunks for n elements, and one more so that both ends never meet in one. */
static uint64_t chunks_for(uint64_t n) {
  return (n + MC_CHUNK - 1) / MC_CHUNK + 1;
}

int mc_ring_make(struct mc_ring *ring, uint64_t n, mc_ref *link) {
  *ring = (struct mc_ring){0, 0, 0, 0};
  if (n == 0)
    return 0;
  if (n <= MC_LIST_SHORT) {
    uint32_t size_class = mc_class_for(n * sizeof(struct mc_cell));
    ring->cells = mc_block_take(size_class, link);
    ring->capacity = (mc_class_bytes[size_class] - sizeof(struct mc_block)) / 16;
    return ring->cells ? 0 : MC_NOMEM;
  }
  if (!make_directory(ring, chunks_for(n), link))
    return MC_NOMEM;
  link = &mc_block(*link)->link;
  struct mc_chunks *chunks = mc_at(ring->cells);
  for (uint64_t i = 0; i * MC_CHUNK < n; i++) {
    chunks->chunk[i] = mc_block_take(MC_CLASS_CHUNK, link);
    if (chunks->chunk[i] == 0)
      return MC_NOMEM;
    link = &mc_block(*link)->link;
  }
  return 0;
}

struct mc_cell *mc_ring_cell(const struct mc_ring *ring, uint64_t i) {
  if (ring->chunks == 0)
    return &((struct mc_cells *)mc_at(ring->cells))->cell[i];
  mc_ref chunk = ((struct mc_chunks *)mc_at(ring->cells))->chunk[i / MC_CHUNK];
  return &((struct mc_cells *)mc_at(chunk))->cell[i % MC_CHUNK];
}

mc_ref mc_list_chain(const struct mc_list *list, mc_ref rest) {
  if (list->cells == 0)
    return rest;
  struct mc_chunks *chunks = mc_at(list->cells);
  for (uint32_t i = 0; i < list->chunks; i++) {
    if (chunks->chunk[i]) {
      mc_block(chunks->chunk[i])->link = rest;
      rest = chunks->chunk[i];
    }
  }
  mc_block(list->cells)->link = rest;
  return list->cells;
}

void mc_list_take_ring(struct mc_list *list, const struct mc_ring *ring, uint64_t size) {
  mc_set32(&list->cells, ring->cells);
  mc_set32(&list->chunks, ring->chunks);
  mc_set64(&list->capacity, ring->capacity);
  mc_set64(&list->first, ring->first);
  mc_set64(&list->size, size);
}

/* The same elements in a ring with room for n. */
static int move(struct mc_list *list, uint64_t n) {
  mc_ref *link = mc_list_pending_end();
  struct mc_ring ring;
  int error = mc_ring_make(&ring, n, link);
  if (error)
    return error;
  for (uint64_t i = 0; i < list->size; i++)
    *mc_ring_cell(&ring, i) = *mc_list_cell(list, i);
  mc_ref old = mc_list_chain(list, 0);
  mc_undo_begin(mc_list_lock(list));
  mc_list_take_ring(list, &ring, list->size);
  mc_set32(link, old);
  mc_undo_commit();
  return 0;
}

/* A directory for so many chunks that has those which hold elements. */
static int move_directory(struct mc_list *list, uint64_t chunks) {
  mc_ref *link = mc_list_pending_end();
  struct mc_ring ring;
  if (!make_directory(&ring, chunks, link))
    return MC_NOMEM;
  struct mc_chunks *to = mc_at(ring.cells);
  const struct mc_chunks *from = mc_at(list->cells);
  uint32_t first = (uint32_t)(list->first / MC_CHUNK);
  ring.first = list->first % MC_CHUNK;
  uint64_t used = (ring.first + list->size + MC_CHUNK - 1) / MC_CHUNK;
  mc_block(list->cells)->link = 0;
  mc_ref old = list->cells;
  for (uint32_t i = 0; i < list->chunks; i++) {
    mc_ref chunk = from->chunk[(first + i) % list->chunks];
    if (i < used) {
      to->chunk[i] = chunk;
    } else if (chunk) {
      mc_block(chunk)->link = old;
      old = chunk;
    }
  }
  mc_undo_begin(mc_list_lock(list));
  mc_list_take_ring(list, &ring, list->size);
  mc_set32(link, old);
  mc_undo_commit();
  return 0;
}

/* Makes sure that there is a chunk at the place. */
static int need_chunk(struct mc_list *list, uint64_t at) {
  mc_ref *chunk = mc_list_chunk(list, at);
  if (*chunk)
    return 0;
  mc_ref *link = mc_list_pending_end();
  mc_ref fresh = mc_block_take(MC_CLASS_CHUNK, link);
  if (fresh == 0)
    return MC_NOMEM;
  mc_undo_begin(mc_list_lock(list));
  mc_set32(chunk, fresh);
  mc_set32(link, 0);
  mc_undo_commit();
  return 0;
}

static int need_chunks(struct mc_list *list, uint64_t n, bool front) {
  uint64_t from = front ? list->first + list->capacity - n : list->first + list->size;
  for (uint64_t i = 0; i < n;) {
    uint64_t at = (from + i) % list->capacity;
    int error = need_chunk(list, at);
    if (error)
      return error;
    i += MC_CHUNK - at % MC_CHUNK;
  }
  return 0;
}

int mc_list_reserve(struct mc_list *list, uint64_t n, bool front) {
  if (list->chunks == 0) {
    if (list->size + n <= list->capacity)
      return 0;
    uint64_t doubled = 2 * list->size < MC_LIST_SHORT ? 2 * list->size : 0;
    uint64_t wanted = list->size + n > doubled ? list->size + n : doubled;
    int error = move(list, wanted < 2 ? 2 : wanted);
    if (error || list->chunks == 0)
      return error;
  }
  if (list->size + n + MC_CHUNK > list->capacity) {
    int error = move_directory(list, chunks_for(list->size + n) + list->chunks);
    if (error)
      return error;
  }
  return need_chunks(list, n, front);
}

void mc_list_shrink(struct mc_list *list) {
  uint64_t size = list->size;
  bool nothing = size == 0 && list->capacity >= KEEP;
  bool few_for_chunks = list->chunks && size < MC_LIST_SHORT / 4;
  bool few = list->chunks == 0 && list->capacity >= KEEP && size * 8 < list->capacity;
  if (nothing || few_for_chunks || few)
    move(list, 2 * size);
  else if (list->chunks > LEAST_CHUNKS && (size + MC_CHUNK) * 8 < list->capacity)
    move_directory(list, chunks_for(size) + 1);
}
