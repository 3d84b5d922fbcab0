/* What the two halves of mooncrew.Process share: the parent's (process.c) and the child's
 * (process_child.c). */
#ifndef MC_BIND_PROCESS_CHILD_H
#define MC_BIND_PROCESS_CHILD_H

#include "bind/child.h"
#include "bind/confine.h"
#include "share/space.h"

#include <lua.h>
#include <stdbool.h>

#define BIND_NAME_LENGTH 100

enum bind_outcome_kind { BIND_RETURNED, BIND_RAISED }; /* the outcome's first byte */

/* User values of a process. */
enum {
  BIND_USER_TARGET = 1,
  BIND_USER_ARGS,
  BIND_USER_OUTCOME,
  BIND_USER_CONFINE,
  BIND_USER_VALUES = BIND_USER_CONFINE,
};

struct bind_process {
  struct bind_child child;
  mc_ref outcome; /* the queue; 0: none, or given up */
  pid_t owner;    /* who started it; 0: nobody yet */
  bool closed;
  bool raised;                      /* the outcome was received, and is an error */
  const struct mc_confine *confine; /* while it is started */
  char name[BIND_NAME_LENGTH];
};

/* The one that this process runs, or is about to fork; NULL in the main process. */
extern struct bind_process *bind_process_own;

/* The body of the child, of which `data` is the Lua state: bind_process_own's userdata is
 * at index 1, and the top. Returns the exit status. */
int bind_process_run(void *data);

#endif
