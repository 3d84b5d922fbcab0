/* A filter of system calls: what no rule about paths can hold. */
#ifndef MC_OS_SECCOMP_H
#define MC_OS_SECCOMP_H

#include <stdbool.h>

struct mc_seccomp {
  bool network;  /* sockets of every kind; else Unix datagrams alone, for the bells */
  bool truncate; /* files may be cut short by their path */
};

/* Whether the kernel has what the filter needs. */
bool mc_seccomp_available(void);

/* Holds the calling thread, and all that come from it, to the filter. Privileges can't be
 * gained any more before this is called. 0 or a negated errno. */
int mc_seccomp_enter(const struct mc_seccomp *rules);

#endif
