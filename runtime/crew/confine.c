#include "crew/confine.h"

#include "base/error.h"
#include "crew/loop.h"
#include "share/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What the child says through a pipe; its end without a word is its death. */
struct report {
  int error;
  enum mc_confine_step step;
};

struct confined {
  const struct mc_confine *confine;
  int (*body)(void *data);
  void *data;
  int pipe[2];
};

static int open_own_descriptors(void) {
  int error;
  return mc_loop(&error) ? mc_bells_open() : error;
}

int mc_confine_enter(const struct mc_confine *confine, int closing,
                     enum mc_confine_step *step) {
  int all_closing[] = {closing, confine->sandboxed ? confine->sandbox.rules : -1};
  *step = MC_STEP_LIMITS;
  int error = confine->limits.files_limited ? open_own_descriptors() : 0;
  if (!error)
    error = mc_limits_enter(&confine->limits, all_closing, 2);
  if (error || !confine->sandboxed)
    return error;
  *step = MC_STEP_SANDBOX;
  error = mc_sandbox_enter(&confine->sandbox);
  if (confine->sandbox.rules >= 0)
    close(confine->sandbox.rules); /* this process's copy */
  return error;
}

static int begin(void *data) {
  struct confined *c = data;
  struct report report;
  close(c->pipe[0]);
  report.error = mc_confine_enter(c->confine, c->pipe[1], &report.step);
  ssize_t n = write(c->pipe[1], &report, sizeof report);
  close(c->pipe[1]);
  if (report.error || n != (ssize_t)sizeof report)
    return 1;
  return c->body(c->data);
}

/* false: the child is dead, whatever of. */
static bool receive(int pipe, struct report *report) {
  ssize_t n;
  do
    n = read(pipe, report, sizeof *report);
  while (n < 0 && errno == EINTR);
  return n == (ssize_t)sizeof *report;
}

int mc_child_start_confined(struct mc_child *child, enum mc_signals signals,
                            const struct mc_confine *confine, int (*body)(void *data),
                            void *data, enum mc_confine_step *step) {
  struct confined c = {.confine = confine, .body = body, .data = data};
  *step = MC_STEP_START;
  if (pipe2(c.pipe, O_CLOEXEC))
    return -errno;
  int error = mc_child_start(child, signals, begin, &c);
  close(c.pipe[1]);
  struct report report;
  if (!error && receive(c.pipe[0], &report) && report.error) {
    *step = report.step;
    error = report.error;
    while (mc_child_join(child, MC_FOREVER) == MC_INTERRUPTED)
      ;
  }
  close(c.pipe[0]);
  return error;
}
