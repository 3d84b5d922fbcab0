/* An allocator for many small blocks that come and go, each given back with its size:
 * what a Lua state asks for. A block of up to MC_CELL_MOST bytes is a cell of a page of
 * cells of one size; larger ones are malloc's. Nothing is kept in front of a cell.
 *
 * A page whose cells are all free serves any size next, but the memory of pages goes back
 * to the system only with mc_cells_free. Owned by one thread. */
#ifndef MC_BASE_CELLS_H
#define MC_BASE_CELLS_H

#include <stddef.h>

#define MC_CELL_MOST 256

struct mc_cells;

/* NULL: no memory. */
struct mc_cells *mc_cells_new(void);

/* Frees all pages; blocks larger than MC_CELL_MOST are the caller's to free before. */
void mc_cells_free(struct mc_cells *cells);

/* A lua_Alloc. `cells` is a struct mc_cells; `old` is the size that the block was asked
 * for with, and says nothing when there is none. new 0: frees the block, NULL. NULL
 * otherwise: no memory, the block is as it was. Blocks are aligned for any type of up to
 * 8 bytes. */
void *mc_cells_realloc(void *cells, void *block, size_t old, size_t new);

#endif
