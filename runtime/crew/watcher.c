/* The watcher: a process that only waits for deaths.
 *
 * The process that made the space forks it before its first child. It sleeps on the life
 * locks of all members, and on a death reaps and rings the bells, whatever the others are
 * busy with. It is killed with its parent, and does without it: sleepers look once a
 * second whether it lives. */
#include "crew/watcher.h"
#include "crew/child.h"

#include "base/error.h"

#include <signal.h>
#include <unistd.h>

static struct mc_child watcher;
static pid_t owner; /* the process whose child `watcher` is; 0: none was started */
static bool inherited;

static int watch(void *data) {
  struct mc_member *main_member = data;
  return mc_members_watch(*main_member) ? 1 : 0;
}

int mc_watcher_ensure(void) {
  if (inherited || (owner == getpid() && !mc_child_ended(&watcher)))
    return 0;
  struct mc_member self = mc_member_self();
  int error = mc_child_fork(&watcher, MC_SIGNALS_IGNORE_ALL, watch, &self);
  if (error)
    return error;
  owner = getpid();
  mc_members_set_watcher(watcher.member);
  return 0;
}

void mc_watcher_stop(void) {
  if (owner != getpid())
    return;
  mc_child_signal(&watcher, SIGKILL);
  int code;
  if (!watcher.ended)
    mc_collect(watcher.pid, true, &code);
  owner = 0;
}

void mc_watcher_forget(void) {
  inherited = true;
}
