/* Giving spans whose blocks are all free back to the heap, when memory runs out.
 *
 * Under the lock of a depot, spans that lie in it whole are marked; then their blocks are
 * dropped from its magazines and the spans go to the heap. The marks are the intent:
 * whoever takes the lock after a death in the middle goes on with what is marked. */
#ifndef MC_SHARE_PURGE_H
#define MC_SHARE_PURGE_H

#include "share/layout.h"

/* Gives the caller's magazines to the depots and every span that is whole to the heap.
 * true when at least one was. Needs private memory; without it, false. */
bool mc_purge(void);

/* The caller has just taken the lock of the class's depot from a dead holder. */
void mc_purge_recover(uint32_t size_class);

#endif
