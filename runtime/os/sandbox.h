/* A sandbox: what the calling process, and all that come from it, may still open.
 *
 * The process that starts another prepares it: whatever the kernel lacks or a path that
 * is not there is known before anything is started. The other one enters it. */
#ifndef MC_OS_SANDBOX_H
#define MC_OS_SANDBOX_H

#include "os/seccomp.h"

#include <stdbool.h>
#include <stddef.h>

struct mc_sandbox_path {
  const char *path;
  bool write;
};

struct mc_sandbox_options {
  const struct mc_sandbox_path *paths; /* what may be opened */
  size_t n_paths;
  bool network;
  bool best_effort; /* what can't be had is left out, and is no error */
};

struct mc_sandbox {
  int rules; /* a descriptor; -1: paths are free */
  bool filtered;
  struct mc_seccomp filter;
};

/* What is in the way of a sandbox. */
enum mc_sandbox_fault {
  MC_SANDBOX_PATH,     /* one of the paths: *path */
  MC_SANDBOX_LANDLOCK, /* the kernel has no Landlock */
  MC_SANDBOX_SECCOMP,  /* the kernel has no filters of system calls */
};

/* 0; or a negated errno with *fault set and nothing left open. */
int mc_sandbox_prepare(struct mc_sandbox *sandbox,
                       const struct mc_sandbox_options *options,
                       enum mc_sandbox_fault *fault, const char **path);

/* Enters it for good; privileges can't be gained by exec any more. 0 or a negated errno:
 * then some of it may hold. */
int mc_sandbox_enter(const struct mc_sandbox *sandbox);

/* Closes what prepare opened. */
void mc_sandbox_drop(struct mc_sandbox *sandbox);

#endif
