/* Threads that are members of the space, each with a slot of its own, as processes are.
 */
#ifndef THREADS_CREW_H
#define THREADS_CREW_H

#include "share/member.h"
#include "share/queue.h"

#define CREW 4

/* A space of 64 MiB with the calling thread in it. */
int crew_setup(void **state);

/* Nothing is left in use, and the structure is whole. */
int crew_teardown(void **state);

/* Reserves a member and starts a thread that adopts it, runs `body`, and leaves. To be
 * called by a member. */
void crew_start(void (*body)(void *data), void *data);

/* The same, but the thread ends without leaving, as if it were killed. */
void crew_start_mortal(void (*body)(void *data), void *data);

/* Waits for all that were started. */
void crew_join(void);

mc_ref crew_queue(uint64_t maxsize);
void crew_put(mc_ref queue, uint32_t number, mc_ref handle);

#endif
