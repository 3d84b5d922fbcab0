#include "os/sandbox.h"

#include "os/landlock.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static int allow_paths(struct mc_sandbox *sandbox, int abi,
                       const struct mc_sandbox_options *options, const char **path) {
  for (size_t i = 0; i < options->n_paths; i++) {
    const struct mc_sandbox_path *p = &options->paths[i];
    int error = mc_landlock_allow(sandbox->rules, abi, p->path, p->write);
    if (error && !options->best_effort) {
      *path = p->path;
      return error;
    }
  }
  return 0;
}

int mc_sandbox_prepare(struct mc_sandbox *sandbox,
                       const struct mc_sandbox_options *options,
                       enum mc_sandbox_fault *fault, const char **path) {
  *sandbox = (struct mc_sandbox){.rules = -1, .filtered = mc_seccomp_available()};
  int abi = mc_landlock_abi();
  if (!options->best_effort && (abi < 0 || !sandbox->filtered)) {
    *fault = abi < 0 ? MC_SANDBOX_LANDLOCK : MC_SANDBOX_SECCOMP;
    return abi < 0 ? abi : -ENOSYS;
  }
  sandbox->filter = (struct mc_seccomp){
      .network = options->network, .truncate = abi < 0 || abi >= MC_LANDLOCK_TRUNCATE};
  if (abi < 0)
    return 0;
  *fault = MC_SANDBOX_LANDLOCK;
  sandbox->rules = mc_landlock_begin(abi, options->network);
  if (sandbox->rules < 0)
    return sandbox->rules;
  *fault = MC_SANDBOX_PATH;
  int error = allow_paths(sandbox, abi, options, path);
  if (error)
    mc_sandbox_drop(sandbox);
  return error;
}

int mc_sandbox_enter(const struct mc_sandbox *sandbox) {
  int error = 0;
  tzset(); /* local time is still known, though its file can't be opened any more */
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    return -errno;
  if (sandbox->rules >= 0)
    error = mc_landlock_enter(sandbox->rules);
  if (!error && sandbox->filtered)
    error = mc_seccomp_enter(&sandbox->filter);
  return error;
}

void mc_sandbox_drop(struct mc_sandbox *sandbox) {
  if (sandbox->rules >= 0)
    close(sandbox->rules);
  sandbox->rules = -1;
}
