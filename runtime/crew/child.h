/* A forked process of ours: how it is started, waited for and signalled. No Lua here. */
#ifndef MC_CREW_CHILD_H
#define MC_CREW_CHILD_H

#include "os/clock.h"
#include "os/process.h"
#include "share/member.h"

struct mc_child {
  pid_t pid;
  struct mc_member member;
  bool ended;
  int code; /* once ended: the exit status, or -N after signal N */
};

/* Forks a child that runs body(data) and ends with the status that it returns, without
 * running anything of the parent's. In the child, before the body: it is a member of the
 * space and has let go of its parent's loop. The body must not return into the caller's
 * frames by other ways (longjmp). 0; MC_NOSLOT, MC_NOMEM or a negated errno (EAGAIN: no
 * process to be had): then there is no child and nothing is left. */
int mc_child_start(struct mc_child *child, enum mc_signals signals,
                   int (*body)(void *data), void *data);

/* For the command's main(), before anything is loaded: makes its forks cheaper; see
 * os/signals.h. */
void mc_child_signals_mine(void);

/* Whether it has ended; collects it when it has. Does not wait for a child that lives. */
bool mc_child_ended(struct mc_child *child);

/* Waits for its end. 0, MC_TIMEOUT or MC_INTERRUPTED. */
int mc_child_join(struct mc_child *child, mc_time deadline);

/* Sends a signal, unless it has ended. 0 or a negated errno. */
int mc_child_signal(struct mc_child *child, int signal);

/* Ends the calling process in order, from inside a body or elsewhere in a child. */
_Noreturn void mc_child_exit(int status);

/* Tells a person on stderr what a child ended with: "Process NAME:" and the text. */
void mc_child_complain(const char *name, const char *text);

/* What to seed the generators of a new child with: random, and no other process of this
 * run has the same. */
void mc_child_seed(uint64_t seed[2]);

/* Starts the watcher of deaths, when this process made the space and there is none alive;
 * mc_child_start does so by itself. 0 or as mc_child_start. */
int mc_watcher_ensure(void);

/* Ends the watcher of this process, if it has one. */
void mc_watcher_stop(void);

/* In a forked child: the watcher is not ours to start or to stop. */
void mc_watcher_forget(void);

#endif
