/* What a list is made of: a ring of cells, in one block while it is short, in chunks that
 * a directory leads to when it is long.
 *
 *   list ─► cells                        capacity cells
 *        └► directory ─► cells, cells, …   capacity = chunks × MC_CHUNK; 0: not there
 *
 * Element i is in the cell (first + i) modulo capacity. A chunk that holds no element may
 * be missing; the first and the last element never share a chunk across the end of the
 * ring.
 *
 * A cell has a number itself, and a node for everything else. Cells outside of the
 * elements are stale.
 *
 * Who writes: the holder of the list's lock, all of it. */
#ifndef MC_SHARE_LIST_LAYOUT_H
#define MC_SHARE_LIST_LAYOUT_H

#include "share/layout.h"
#include "share/node.h"
#include "share/table_lock.h"

struct mc_cell {
  uint64_t bits; /* the number, or the node */
  uint64_t form; /* enum mc_form; anything from MC_BYTES on: a node */
};

struct mc_cells {
  struct mc_block block;
  struct mc_cell cell[];
};

#define MC_CLASS_CHUNK 14u /* 16384 bytes */
#define MC_CHUNK       ((16384u - (uint32_t)sizeof(struct mc_block)) / 16u)
#define MC_LIST_SHORT  510u /* cells of the largest block that is not a chunk */

struct mc_list {
  struct mc_block block;
  struct mc_object object;
  uint64_t first;
  uint64_t size;
  uint64_t capacity;
  uint64_t writes; /* writes so far: the list's version; never goes back */
  mc_ref cells;    /* cells, or the directory; 0 when capacity is */
  uint32_t chunks; /* that the directory has room for; 0: there is none */
  uint64_t unused;
};
_Static_assert(sizeof(struct mc_list) <= 128, "a list fits in its class");

struct mc_chunks {
  struct mc_block block;
  mc_ref chunk[];
};

static inline struct mc_robust *mc_list_lock(const struct mc_list *list) {
  return mc_table_lock(list, 0);
}

static inline mc_ref *mc_list_chunk(const struct mc_list *list, uint64_t at) {
  return &((struct mc_chunks *)mc_at(list->cells))->chunk[at / MC_CHUNK];
}

/* Where element i is in the ring. */
static inline uint64_t mc_list_place(const struct mc_list *list, uint64_t i) {
  uint64_t at = list->first + i;
  return at < list->capacity ? at : at - list->capacity;
}

/* The cell at a place of the ring, whose chunk is there. */
static inline struct mc_cell *mc_list_cell_at(const struct mc_list *list, uint64_t at) {
  if (list->chunks == 0)
    return &((struct mc_cells *)mc_at(list->cells))->cell[at];
  return &((struct mc_cells *)mc_at(*mc_list_chunk(list, at)))->cell[at % MC_CHUNK];
}

static inline struct mc_cell *mc_list_cell(const struct mc_list *list, uint64_t i) {
  return mc_list_cell_at(list, mc_list_place(list, i));
}

/* list_store.c: rings of cells. */

/* A ring that is being made. */
struct mc_ring {
  mc_ref cells;
  uint32_t chunks;
  uint64_t capacity;
  uint64_t first;
};

/* Makes a ring for n elements, private, linked to *link and behind. 0 or MC_NOMEM; what
 * was made stays linked. */
int mc_ring_make(struct mc_ring *ring, uint64_t n, mc_ref *link);

/* The cell of element i. */
struct mc_cell *mc_ring_cell(const struct mc_ring *ring, uint64_t i);

/* Links the blocks of the list's ring to each other and to `rest`. The first one. */
mc_ref mc_list_chain(const struct mc_list *list, mc_ref rest);

/* In a section: the list has that ring and that many elements. 6 stores. */
void mc_list_take_ring(struct mc_list *list, const struct mc_ring *ring, uint64_t size);

/* Makes room for n more elements at the end, or at the front. 0 or MC_NOMEM: the list is
 * as it was. What is not needed any more is pending. */
int mc_list_reserve(struct mc_list *list, uint64_t n, bool front);

/* Gives back memory that the list does not need any more. */
void mc_list_shrink(struct mc_list *list);

/* Where the next block may be linked behind all that is pending. */
static inline mc_ref *mc_list_pending_end(void) {
  mc_ref *link = &mc_self->pending;
  while (*link)
    link = &mc_block(*link)->link;
  return link;
}

/* list.c, under the lock: appends a copy of element i. As mc_batch_add_node. */
int mc_list_copy(const struct mc_list *list, uint64_t i, struct mc_batch *batch);

/* The index of the first element from number i on that equals the value, or the size. */
uint64_t mc_list_seek(const struct mc_list *list, const struct mc_value *value,
                      uint64_t i);

/* list_ends.c, under the lock: takes out the first or the last element; its node, if it
 * has one, becomes the first pending one. The list is not empty. */
void mc_list_drop_end(struct mc_list *list, bool left);

/* list_ends.c: appends if the list has that size; else MC_CHANGED. */
int mc_list_append_at(mc_ref list, uint64_t size, const struct mc_value *value);

/* list_end.c: takes one piece out of a list that nobody else can reach. */
void mc_list_detach_piece(struct mc_list *list);

#endif
