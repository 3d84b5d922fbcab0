/* One nameless shared mapping: reserved without commitment, committed piece by piece.
 *
 * The mapping is a memfd, sealed against shrinking and growing, so that a page that was
 * committed can never raise SIGBUS; where files may not be that large, one without a
 * file, which nobody can shrink either. It is left out of core dumps. */
#ifndef MC_OS_MAP_H
#define MC_OS_MAP_H

#include <stddef.h>
#include <stdint.h>

/* Reserves `size` bytes (a multiple of the page). 0 and `*base`, or a negated errno with
 * nothing left behind. Children inherit it at the same address. */
int mc_map_create(size_t size, void **base);

/* Makes [offset, offset + length) usable; whole pages are committed. What was committed
 * keeps its bytes. 0 or a negated errno: -ENOMEM or -ENOSPC when there is no memory. */
int mc_map_commit(void *base, size_t offset, size_t length);

/* Unmaps it in this process. */
void mc_map_destroy(void *base, size_t size);

/* Zeroed bytes that this process and those it forks from now on share; NULL: no memory.
 */
void *mc_pages_share(size_t size);

/* Unmaps them in this process; NULL is nothing. */
void mc_pages_free(void *pages, size_t size);

/* The machine's memory in bytes. */
uint64_t mc_memory_total(void);

#endif
