/* The suspended waits that nothing but their deadlines end: however many there are, a
 * look at them costs what those that are due cost.
 *
 * A pairing heap inside of the waits (bind_wait's child, next and previous), so nothing
 * is allocated. `previous` is the sibling before or, of a first child, the parent. */
#ifndef MC_BIND_SLEEPERS_H
#define MC_BIND_SLEEPERS_H

#include "bind/wait.h"

void bind_sleepers_add(struct bind_wait *wait);

/* Takes one out, wherever it is. */
void bind_sleepers_remove(struct bind_wait *wait);

/* Takes all out: nobody is suspended in them any more. */
void bind_sleepers_forget(void);

/* The one whose deadline comes first; NULL: there is none. */
struct bind_wait *bind_sleepers_first(void);

#endif
