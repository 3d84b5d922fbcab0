/* The suspended waits that are looked at: those that say by ready() when they are over.
 *
 *   leader ── leader ── leader        one after another, by next and previous
 *     │                   │
 *   follower            follower      ready when their leader is, so nobody looks at them
 *     │
 *   follower
 *
 * A wait that says that others are like it (bind_wait's `alike`) follows one that is the
 * same, when that is found: a task costs nothing beside others that wait for the same.
 * Nothing is allocated. `previous` of a first follower is its leader. */
#ifndef MC_BIND_SUSPENDED_H
#define MC_BIND_SUSPENDED_H

#include "bind/wait.h"

void bind_suspended_add(struct bind_wait *wait);

/* Takes one out. The first follower of a leader takes its place. */
void bind_suspended_remove(struct bind_wait *wait);

/* Takes all out: nobody is suspended in them any more. */
void bind_suspended_forget(void);

/* The first leader, or NULL. */
struct bind_wait *bind_suspended_first(void);

#endif
