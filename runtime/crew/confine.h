/* A child that may use only so much of the machine, and open only some of it. */
#ifndef MC_CREW_CONFINE_H
#define MC_CREW_CONFINE_H

#include "crew/child.h"
#include "os/limits.h"
#include "os/sandbox.h"

struct mc_confine {
  struct mc_limits limits;
  bool sandboxed;
  struct mc_sandbox sandbox; /* prepared */
};

/* Which step failed; none when the error is 0. */
enum mc_confine_step { MC_STEP_START, MC_STEP_LIMITS, MC_STEP_SANDBOX };

/* Confines the calling process for good. The descriptors that its loop and its bells will
 * need are opened first when their number is limited; `closing`, a descriptor that is
 * closed soon, or -1, does not count. 0 or a negated errno. */
int mc_confine_enter(const struct mc_confine *confine, int closing,
                     enum mc_confine_step *step);

/* As mc_child_start; the child is confined before its body runs. It comes back only when
 * the child is, or is dead. On an error there is no child. */
int mc_child_start_confined(struct mc_child *child, enum mc_signals signals,
                            const struct mc_confine *confine, int (*body)(void *data),
                            void *data, enum mc_confine_step *step);

#endif
