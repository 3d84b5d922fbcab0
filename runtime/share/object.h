/* Objects of the space that handles refer to, and how long they live.
 *
 * An object lives while a member holds it or a message or a container refers to it.
 * Holds are counted per process here, and once per process in the space: the first hold
 * of a process registers it in the process's slot, where the reaper finds it after a
 * death. */
#ifndef MC_SHARE_OBJECT_H
#define MC_SHARE_OBJECT_H

#include "share/space.h"

enum mc_kind {
  MC_KIND_NONE,
  MC_KIND_QUEUE,
  MC_KIND_DICT,
  MC_KIND_LIST,
  MC_KIND_VALUE, /* a list of one */
  MC_KIND_ARRAY,
  MC_KIND_LOCK,
  MC_KIND_RLOCK,
  MC_KIND_SEMAPHORE,
  MC_KIND_BOUNDED_SEMAPHORE,
  MC_KIND_EVENT,
  MC_KIND_CONDITION,
  MC_KIND_BARRIER,
  MC_KIND_CONNECTION,
  MC_KINDS /* how many there are */
};

/* The kind of a live object, MC_KIND_NONE for anything that is not one; never reads
 * outside the space whatever `object` is. */
enum mc_kind mc_object_kind(mc_ref object);

/* A hold by this process. The caller must know the object to be alive (it has a hold
 * already, or it has a lease on a message that refers to it). 0 or MC_NOMEM. */
int mc_object_hold(mc_ref object);

/* Lets go of one hold; destroys the object when that was the last of all processes. */
void mc_object_drop(mc_ref object);

#endif
