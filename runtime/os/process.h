/* Forking, waiting and signalling, with what Linux adds to them. */
#ifndef MC_OS_PROCESS_H
#define MC_OS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How a child treats the signals that a terminal or a supervisor sends. */
enum mc_signals {
  MC_SIGNALS_DEFAULT,         /* handlers reset, what is ignored stays so */
  MC_SIGNALS_IGNORE_TERMINAL, /* the same, but SIGINT and SIGQUIT are ignored: the parent
                                 ends it */
  MC_SIGNALS_IGNORE_ALL,      /* and SIGTERM and SIGHUP too: only SIGKILL ends it */
};

/* Flushes stdio and forks; the calling thread must be the process's only one. In the
 * child, when this returns 0: signals are as asked but all blocked, the child is killed
 * when the parent dies, core dumps are off. The child's pid in the parent; a negated
 * errno when there is no process to be had. A child whose parent died in between ends
 * here. */
pid_t mc_fork(enum mc_signals signals);

/* Lets in the signals that mc_fork holds back in a child. */
void mc_unblock_signals(void);

/* Ends the process at once: stdio is flushed, no atexit function and no finalizer runs.
 */
_Noreturn void mc_exit_now(int status);

/* Collects a child. With `block` waits for its end. true: *code is the exit status, or -N
 * after signal N; the pid must not be used any more. false: it lives, or it is not a
 * child of ours, then *code is INT_MIN. */
bool mc_collect(pid_t pid, bool block, int *code);

/* The number of cores that this process may use: affinity and cgroup quota included;
 * >= 1. */
int mc_cpu_count(void);

/* How many threads this process has; 0: it can't be known. */
unsigned mc_thread_count(void);

/* Sets a flag when SIGTERM comes (for processes of our own only, never in a host). */
void mc_catch_sigterm(void);
bool mc_sigterm_came(void);

#endif
