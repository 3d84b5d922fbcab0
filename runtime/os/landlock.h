/* Landlock: which paths a process may open. Kernels have it from 5.13 on, when it is
 * switched on; later ones (an "ABI" is a version) control more. */
#ifndef MC_OS_LANDLOCK_H
#define MC_OS_LANDLOCK_H

#include <stdbool.h>

/* From here on cutting a file short is controlled. */
#define MC_LANDLOCK_TRUNCATE 3

/* The kernel's version of it, 1 or more; a negated errno where there is none. */
int mc_landlock_abi(void);

/* Begins a set of rules that allows nothing: a descriptor, closed on exec, or a negated
 * errno. Without `network` no TCP port can be bound or connected to, where the kernel
 * controls that. */
int mc_landlock_begin(int abi, bool network);

/* Allows what is at and below a path: to read, list and execute; with `write` to read,
 * list, make, change and remove, but not to execute. 0 or a negated errno. */
int mc_landlock_allow(int rules, int abi, const char *path, bool write);

/* Holds the calling thread, and all that come from it, to the rules. */
int mc_landlock_enter(int rules);

#endif
