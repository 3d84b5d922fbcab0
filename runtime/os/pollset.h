/* One descriptor that is readable while one of several is ready, for whoever polls it;
 * and a flag with a descriptor. All are closed on exec. */
#ifndef MC_OS_POLLSET_H
#define MC_OS_POLLSET_H

#include <stdbool.h>

/* A descriptor or a negated errno. */
int mc_pollset_open(void);

/* The set watches fd for reading, and for room to write as well when asked. 0 or a
 * negated errno. */
int mc_pollset_add(int set, int fd);
int mc_pollset_want_room(int set, int fd, bool room);
void mc_pollset_remove(int set, int fd);

/* A descriptor that is readable while the flag is up; it is down. Or a negated errno. */
int mc_flag_open(void);
void mc_flag_raise(int flag);
void mc_flag_lower(int flag);

#endif
