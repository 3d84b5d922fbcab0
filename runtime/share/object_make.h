/* How the small objects (all but queues) come to be. */
#ifndef MC_SHARE_OBJECT_MAKE_H
#define MC_SHARE_OBJECT_MAKE_H

#include "share/layout.h"
#include "share/object.h"

/* A block of MC_CLASS_SMALL, the first of the caller's pending ones, all zero behind its
 * header and kind; and room for one more hold. 0: no memory. Nothing was pending. */
mc_ref mc_object_begin(void);

/* Makes it an object of that kind, held once by this process, and not pending any more.
 */
void mc_object_finish(mc_ref object, enum mc_kind kind);

#endif
