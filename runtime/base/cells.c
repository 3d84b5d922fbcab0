/* Pages of cells of one size, found by the address of a cell; see cells.h.
 *
 * Each size has a list of the pages with a cell to give; cells come from the first. A
 * page without one is in no list, one without a cell in use is in `empty`. A page is one
 * of the system's, and what must be written to give a cell lies in it too, so that after
 * a fork there are few to copy. */
#include "base/cells.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STEP  16 /* sizes of cells are multiples, so all are aligned as malloc would */
#define SIZES (MC_CELL_MOST / STEP)
#define PAGE  ((size_t)4096) /* and its alignment */
#define CHUNK (64 * PAGE)

struct cell {
  struct cell *next;
};

struct page {
  struct cell *free;
  char *fresh; /* cells from here to the end were never used */
  uint32_t n_fresh;
  uint32_t used;
  uint32_t size; /* of its cells, in steps, less 1 */
  bool listed;
  struct page *next, *previous;
};

struct chunk {
  struct chunk *next;
};

struct mc_cells {
  struct page *first[SIZES]; /* `none` where there is no page */
  struct page none;
  struct page *empty;
  struct page *reserve; /* of the largest cells; see smaller_block */
  char *fresh;          /* pages that were never used */
  uint32_t n_fresh;
  struct chunk *chunks;
};

static_assert(sizeof(struct page) % STEP == 0, "cells follow the head");

static struct page *page_of(void *block) {
  return (struct page *)((char *)block - ((uintptr_t)block & (PAGE - 1)));
}

static size_t step_of(size_t bytes) {
  return (bytes - 1) / STEP;
}

static size_t bytes_of(size_t step) {
  return (step + 1) * STEP;
}

/* Takes memory for more pages; one fewer fits than its size says, for malloc knows no
 * such alignment. What is never written to costs address space alone. */
static bool more_pages(struct mc_cells *cells) {
  struct chunk *chunk = malloc(CHUNK);
  if (!chunk)
    return false;
  chunk->next = cells->chunks;
  cells->chunks = chunk;
  char *end = (char *)chunk + CHUNK;
  cells->fresh = (char *)page_of((char *)(chunk + 1) + PAGE - 1);
  cells->n_fresh = (uint32_t)((size_t)(end - cells->fresh) / PAGE);
  return true;
}

static struct page *fresh_page(struct mc_cells *cells) {
  struct page *page = (struct page *)cells->fresh;
  cells->fresh += PAGE;
  cells->n_fresh--;
  return page;
}

static struct page *any_page(struct mc_cells *cells) {
  struct page *page = cells->empty;
  if (page) {
    cells->empty = page->next;
    return page;
  }
  if (cells->n_fresh == 0 && !more_pages(cells))
    return NULL;
  if (!cells->reserve && cells->n_fresh > 1)
    cells->reserve = fresh_page(cells);
  return fresh_page(cells);
}

static void list(struct mc_cells *cells, struct page *page) {
  struct page *first = cells->first[page->size];
  page->listed = true;
  page->previous = NULL;
  page->next = first == &cells->none ? NULL : first;
  if (page->next)
    page->next->previous = page;
  cells->first[page->size] = page;
}

static void unlist(struct mc_cells *cells, struct page *page) {
  page->listed = false;
  if (page->next)
    page->next->previous = page->previous;
  if (page->previous)
    page->previous->next = page->next;
  else
    cells->first[page->size] = page->next ? page->next : &cells->none;
}

static void use_page(struct mc_cells *cells, struct page *page, size_t step) {
  size_t bytes = bytes_of(step);
  *page = (struct page){.fresh = (char *)(page + 1),
                        .n_fresh = (uint32_t)((PAGE - sizeof *page) / bytes),
                        .size = (uint32_t)step};
  list(cells, page);
}

static void *cell_of(struct page *page, size_t step) {
  struct cell *cell = page->free;
  if (cell) {
    page->free = cell->next;
  } else if (page->n_fresh) {
    cell = (struct cell *)page->fresh;
    page->fresh += bytes_of(step);
    page->n_fresh--;
  } else {
    return NULL;
  }
  page->used++;
  return cell;
}

static void *take_elsewhere(struct mc_cells *cells, size_t step) {
  struct page *page;
  while ((page = cells->first[step]) != &cells->none) {
    void *cell = cell_of(page, step);
    if (cell)
      return cell;
    unlist(cells, page);
  }
  page = any_page(cells);
  if (!page)
    return NULL;
  use_page(cells, page, step);
  return cell_of(page, step);
}

static inline void *take(struct mc_cells *cells, size_t bytes) {
  size_t step = step_of(bytes);
  void *cell = cell_of(cells->first[step], step);
  return __builtin_expect(cell != NULL, 1) ? cell : take_elsewhere(cells, step);
}

/* A page that was full has a cell again, or one has all of them. The last page of a size
 * stays, or a single block that comes and goes would make and empty it each time. */
static void settle(struct mc_cells *cells, struct page *page) {
  if (!page->listed)
    list(cells, page);
  if (page->used || (!page->next && !page->previous))
    return;
  unlist(cells, page);
  page->next = cells->empty;
  cells->empty = page;
}

static inline void give(struct mc_cells *cells, void *block) {
  struct page *page = page_of(block);
  struct cell *cell = block;
  cell->next = page->free;
  page->free = cell;
  page->used--;
  if (__builtin_expect(!page->listed || page->used == 0, 0))
    settle(cells, page);
}

struct mc_cells *mc_cells_new(void) {
  struct mc_cells *cells = calloc(1, sizeof *cells);
  if (!cells)
    return NULL;
  for (size_t i = 0; i < SIZES; i++)
    cells->first[i] = &cells->none;
  return cells;
}

void mc_cells_free(struct mc_cells *cells) {
  while (cells->chunks) {
    struct chunk *chunk = cells->chunks;
    cells->chunks = chunk->next;
    free(chunk);
  }
  free(cells);
}

static inline void *new_block(struct mc_cells *cells, size_t bytes) {
  return bytes <= MC_CELL_MOST ? take(cells, bytes) : malloc(bytes);
}

static inline void free_block(struct mc_cells *cells, void *block, size_t bytes) {
  if (bytes <= MC_CELL_MOST)
    give(cells, block);
  else
    free(block);
}

/* Lua takes it for granted that a block can be made smaller: where no cell of its size is
 * to be had, one of a larger size will do, since a cell's size is known by its page, and
 * a page is kept for that. */
static void *smaller_block(struct mc_cells *cells, size_t bytes) {
  void *block = take(cells, bytes);
  if (!block && cells->reserve) {
    use_page(cells, cells->reserve, SIZES - 1);
    cells->reserve = NULL;
  }
  for (size_t step = step_of(bytes); !block && step < SIZES; step++)
    block = cell_of(cells->first[step], step);
  return block;
}

static void *resize(struct mc_cells *cells, void *block, size_t old, size_t new) {
  if (old > MC_CELL_MOST && new > MC_CELL_MOST)
    return realloc(block, new);
  if (old <= MC_CELL_MOST && step_of(new) == page_of(block)->size)
    return block;
  void *moved = new < old ? smaller_block(cells, new) : new_block(cells, new);
  if (!moved)
    return new < old &&old <= MC_CELL_MOST ? block : NULL;
  memcpy(moved, block, old < new ? old : new);
  free_block(cells, block, old);
  return moved;
}

void *mc_cells_realloc(void *data, void *block, size_t old, size_t new) {
  struct mc_cells *cells = data;
  if (!block)
    return new ? new_block(cells, new) : NULL;
  if (new)
    return resize(cells, block, old, new);
  free_block(cells, block, old);
  return NULL;
}
