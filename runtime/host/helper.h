/* The command as the helper process of a host that runs Lua tasks (mooncrew.h). */
#ifndef MC_HOST_HELPER_H
#define MC_HOST_HELPER_H

#include <stdbool.h>

/* Was this process started by a host's library? */
bool helper_wanted(void);

/* Serves the host until it wants no more. It is silent: the host tells its own user. */
bool helper_run(void);

#endif
