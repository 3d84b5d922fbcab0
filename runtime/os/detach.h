/* A process that runs another program and is not a child of this one.
 *
 *   caller ── clone ──▶ go-between ── clone ──▶ the program
 *                        ends at once            an orphan from then on
 *
 * The go-between has no exit signal, so neither a SIGCHLD handler nor a wait for any
 * child ever sees it, and SIG_IGN for SIGCHLD does not collect it. Both clones share the
 * caller's memory and hold its thread until the exec: no page table is copied, no atfork
 * handler runs, and a failure of the exec is known. Safe in a process with threads. */
#ifndef MC_OS_DETACH_H
#define MC_OS_DETACH_H

#include <stdbool.h>
#include <sys/types.h>

#define MC_DETACH_FIRST 3 /* the program's first descriptor behind stdio */

struct mc_detach {
  const char *path;
  char *const *argv;
  char *const *env;
  const int *fds; /* the program has them as 3, 4, …; no others but stdio */
  int n_fds;      /* at most 4 */
};

/* Starts the program in a session of its own, with /dev/null as its input and default
 * actions for all signals. 0: *pid, and *pidfd, a descriptor that is readable once it has
 * ended. Or a negated errno, the exec's among them: nothing is left. */
int mc_detach_start(const struct mc_detach *what, pid_t *pid, int *pidfd);

/* A descriptor that is readable once the process has ended, or a negated errno. */
int mc_pidfd_open(pid_t pid);

/* Ends the process by SIGKILL. */
void mc_pidfd_kill(int pidfd);

/* Collects the process if it is a child of the caller after all: a host may be the one
 * who adopts orphans. */
void mc_pidfd_collect(int pidfd);

#endif
