/* What an array is made of: one block of elements.
 *
 * A write of several elements leaves its bytes in a block that the array has (`redo`),
 * and then copies them to their places. Who takes the lock and finds `redo` copies them
 * again: the former holder died on the way.
 *
 * Who writes: the holder of the array's lock, all of it. */
#ifndef MC_SHARE_ARRAY_LAYOUT_H
#define MC_SHARE_ARRAY_LAYOUT_H

#include "share/layout.h"
#include "share/table_lock.h"

struct mc_array {
  struct mc_block block;
  struct mc_object object;
  uint64_t size;   /* never changes */
  uint32_t kind;   /* never changes */
  mc_ref elements; /* 0: size is */
  mc_ref redo;     /* a block whose bytes go to ... */
  uint32_t unused;
  uint64_t redo_at; /* this offset */
  uint64_t redo_length;
};
_Static_assert(sizeof(struct mc_array) <= 128, "an array fits in its class");

/* Takes one piece out of an array that nobody else can reach. */
void mc_array_detach_piece(struct mc_array *array);

#endif
