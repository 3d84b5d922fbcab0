#include "crew/child.h"
#include "crew/watcher.h"

#include "base/buffer.h"
#include "base/error.h"
#include "crew/loop.h"
#include "os/random.h"
#include "os/screen.h"
#include "os/signals.h"
#include "share/wait.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static uint64_t secret; /* random bits of this run, the same in all of its processes */

int mc_child_fork(struct mc_child *child, enum mc_signals signals,
                  int (*body)(void *data), void *data) {
  struct mc_member member;
  if (!secret)
    secret = mc_random64();
  int error = mc_member_reserve(&member);
  if (error)
    return error;
  pid_t pid = mc_fork(signals);
  if (pid < 0) {
    mc_member_cancel(member);
    return (int)pid;
  }
  if (pid == 0) {
    mc_loop_forget();
    mc_watcher_forget();
    if (mc_member_adopt(member))
      mc_exit_now(1);     /* the parent died meanwhile: nobody waits for us */
    mc_unblock_signals(); /* it dies of them as a member only, so that it is noticed */
    mc_child_exit(body(data));
  }
  *child = (struct mc_child){.pid = pid, .member = member};
  return 0;
}

int mc_child_start(struct mc_child *child, enum mc_signals signals,
                   int (*body)(void *data), void *data) {
  int error = mc_watcher_ensure();
  return error ? error : mc_child_fork(child, signals, body, data);
}

void mc_child_signals_mine(void) {
  mc_signals_mine();
}

static void collect(struct mc_child *child, bool block) {
  int code = 0;
  if (mc_collect(child->pid, block, &code)) {
    child->ended = true;
    child->code = code;
    mc_member_cancel(child->member); /* it may have died before it became a member */
    mc_members_reap();               /* what it had is free when its end is known */
  } else if (code == INT_MIN) {
    /* Somebody else of this process has collected it: its status is not to be known. */
    child->ended = true;
    child->code = -SIGKILL;
    mc_member_cancel(child->member);
    mc_members_reap();
  }
}

bool mc_child_ended(struct mc_child *child) {
  /* A living member needs no system call. One that is gone is on its way out for certain,
   * so waiting for it is short. */
  if (!child->ended && !mc_member_alive(child->member))
    collect(child, mc_member_gone(child->member));
  return child->ended;
}

int mc_child_join(struct mc_child *child, mc_time deadline) {
  while (!mc_child_ended(child)) {
    int error = mc_wait(NULL, 0, deadline);
    if (error)
      return mc_child_ended(child) ? 0 : error;
  }
  return 0;
}

int mc_child_signal(struct mc_child *child, int signal) {
  if (mc_child_ended(child))
    return 0;
  /* It is not collected yet, so the pid can't be anybody else's. */
  if (kill(child->pid, signal))
    return -errno;
  /* All others wait until it is a member, whose death rings the bells. This one does not,
   * but is certain: so it is collected here. */
  if (signal == SIGKILL && !mc_member_adopted(child->member))
    collect(child, true);
  return 0;
}

_Noreturn void mc_child_exit(int status) {
  mc_member_leave_to_exit();
  mc_exit_now(status);
}

void mc_child_seed(uint64_t seed[2]) {
  struct mc_member self = mc_member_self();
  seed[0] = secret;
  seed[1] = (uint64_t)self.generation << 32 | self.slot;
}

void mc_child_complain(const char *name, const char *text) {
  struct mc_buffer whole = {0};
  const char *const parts[] = {"Process ", name, ":\n", text, "\n"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    mc_buffer_append(&whole, parts[i], strlen(parts[i]));
  /* In one piece, so that those of several children do not mix. */
  mc_screen_write(STDERR_FILENO, (const char *)whole.data, whole.length);
  mc_buffer_free(&whole);
}
