/* What crew/watcher.c needs of crew/child.c: a fork that does not ask for a watcher
 * first. */
#ifndef MC_CREW_WATCHER_H
#define MC_CREW_WATCHER_H

#include "crew/child.h"

/* As mc_child_start, for the watcher itself. */
int mc_child_fork(struct mc_child *child, enum mc_signals signals,
                  int (*body)(void *data), void *data);

#endif
