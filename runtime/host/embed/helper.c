/* Starting and ending the helper process.
 *
 *   host                                helper
 *     HELLO options ───────────────────▶ makes the pool
 *     ◀─────────────────── HELLO versions, or an error
 *     …
 *     BYE ─────────────────────────────▶ ends the pool and itself
 *
 * The helper gets the socket, and a descriptor that tells it of this process's death: a
 * child of the host may hold a copy of our end of the socket for longer. */
#include "host/embed/locate.h"
#include "host/embed/runtime.h"
#include "os/detach.h"
#include "os/pollset.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPEN_TIMEOUT 10000
#define GRACE        2000 /* ms for the helper to end in order */

/* ---- the start ---- */

static int open_descriptors(mooncrew *runtime) {
  if ((runtime->set = mc_pollset_open()) < 0)
    return runtime->set;
  if ((runtime->due = mc_flag_open()) < 0)
    return runtime->due;
  if ((runtime->nudge = mc_flag_open()) < 0)
    return runtime->nudge;
  int error = mc_pollset_add(runtime->set, runtime->due);
  if (!error)
    error = mc_pollset_add(runtime->set, runtime->channel.fd);
  return error ? error : mc_pollset_add(runtime->set, runtime->pidfd);
}

static int launch(mooncrew *runtime, const char *path, mooncrew_error **error) {
  char *const argv[] = {(char *)"mooncrew", (char *)"--helper", NULL};
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
    return embed_fail_system(error, -errno, "mooncrew_open: socketpair");
  runtime->channel.fd = pair[0];
  int host = mc_pidfd_open(getpid());
  int fds[] = {pair[1], host};
  struct mc_detach what = {
      .path = path, .argv = argv, .env = environ, .fds = fds, .n_fds = 2};
  int code = host < 0 ? host : mc_detach_start(&what, &runtime->pid, &runtime->pidfd);
  close(pair[1]);
  if (host >= 0)
    close(host);
  if (!code)
    return MOONCREW_OK;
  runtime->pid = 0;
  if (host < 0)
    return embed_fail_system(error, code, "mooncrew_open: pidfd_open");
  char what_failed[PATH_MAX + 64];
  snprintf(what_failed, sizeof what_failed, "mooncrew_open: cannot start the helper %s",
           path);
  return embed_fail_system(error, code, what_failed);
}

/* ---- the handshake ---- */

static void push_text(mooncrew_values *values, const char *key, const char *text) {
  if (!text)
    return;
  mooncrew_key(values, key);
  mooncrew_push_string(values, text);
}

static void push_number(mooncrew_values *values, const char *key, uint64_t number) {
  if (!number)
    return;
  mooncrew_key(values, key);
  mooncrew_push_integer(values, (int64_t)number);
}

static int say_hello(mooncrew *runtime, const mooncrew_options *options) {
  struct embed_buffer bytes = {0}, refs = {0};
  mooncrew_values *values = mooncrew_values_new();
  mooncrew_push_table(values);
  push_text(values, "version", MOONCREW_VERSION);
  push_number(values, "workers", options->workers);
  push_number(values, "backlog", runtime->backlog);
  push_number(values, "shared_memory", options->shared_memory);
  push_number(values, "tasks_per_worker", options->tasks_per_worker);
  push_text(values, "package_path", options->package_path);
  push_text(values, "package_cpath", options->package_cpath);
  push_text(values, "preload", options->preload);
  push_number(values, "memory", options->worker_memory);
  push_number(values, "cpu", options->worker_cpu);
  push_number(values, "files", options->worker_files);
  push_number(values, "without", options->without);
  push_number(values, "log", options->log != NULL);
  mooncrew_end_table(values);
  int code =
      values ? embed_encode(runtime, values, NULL, &bytes, &refs) : MOONCREW_ENOMEM;
  struct mc_frame head = {
      .type = MC_FRAME_HELLO, .number = MC_FRAME_MAGIC, .code = MC_FRAME_PROTOCOL};
  if (!code && !embed_channel_put(&runtime->channel, &head, &refs, &bytes))
    code = MOONCREW_ENOMEM;
  mooncrew_values_free(values);
  embed_buffer_free(&bytes);
  embed_buffer_free(&refs);
  return code;
}

/* The next frame, or what came instead. */
static int await_hello(mooncrew *runtime, mc_time deadline,
                       struct embed_arrival *arrival) {
  struct embed_channel *channel = &runtime->channel;
  for (;;) {
    if (!embed_channel_flush(channel))
      return MOONCREW_EHELPER;
    int filled = embed_channel_fill(channel);
    if (filled == MOONCREW_ENOMEM)
      return filled;
    int got = embed_channel_next(channel, arrival);
    if (got)
      return got == 1 && arrival->head.number == MC_FRAME_MAGIC &&
                     arrival->head.code == MC_FRAME_PROTOCOL
                 ? MOONCREW_OK
                 : MOONCREW_EVERSION;
    if (filled < 0)
      return MOONCREW_EHELPER;
    mc_time now = mc_now();
    if (now >= deadline)
      return MOONCREW_ETIMEDOUT;
    bool waiting = channel->out.start < channel->out.length;
    struct pollfd polls[] = {
        {.fd = channel->fd, .events = (short)(POLLIN | (waiting ? POLLOUT : 0))},
        {.fd = runtime->pidfd, .events = POLLIN}};
    mc_time left = (deadline - now) / 1000000 + 1;
    poll(polls, 2, left < INT_MAX ? (int)left : INT_MAX);
    if (polls[1].revents && !polls[0].revents)
      return MOONCREW_EHELPER;
  }
}

static int bad_version(const char *path, const mooncrew_value *version,
                       mooncrew_error **error) {
  const char *text = "another";
  mooncrew_value_string(version, &text, NULL);
  return embed_fail(error, MOONCREW_EVERSION,
                    "mooncrew_open: the helper %s is of version %s, the library of %s",
                    path, text, MOONCREW_VERSION);
}

/* The answer: a table with the version, or the error that kept the helper from working.
 */
static int read_hello(const struct embed_arrival *arrival, const char *path,
                      mooncrew_error **error) {
  mooncrew_values *values = NULL;
  const char *why, *theirs = NULL;
  int code =
      embed_decode(arrival->bytes, (size_t)arrival->head.length, NULL, 0, &values, &why);
  if (code == MOONCREW_ENOMEM)
    return embed_fail(error, code, "mooncrew_open: not enough memory");
  if (code)
    return bad_version(path, NULL, error);
  const mooncrew_value *version =
      mooncrew_value_field(mooncrew_values_at(values, 0), "version");
  if (mooncrew_value_string(version, &theirs, NULL))
    code = embed_give(error, embed_raised(values));
  else if (strcmp(theirs, MOONCREW_VERSION) != 0)
    code = bad_version(path, version, error);
  mooncrew_values_free(values);
  return code;
}

static int shake_hands(mooncrew *runtime, const mooncrew_options *options,
                       const char *path, mooncrew_error **error) {
  struct embed_arrival arrival;
  int timeout = options->open_timeout > 0 ? options->open_timeout : OPEN_TIMEOUT;
  int code = say_hello(runtime, options);
  if (!code)
    code = await_hello(runtime, embed_deadline(timeout), &arrival);
  switch (code) {
  case MOONCREW_OK:
    return read_hello(&arrival, path, error);
  case MOONCREW_EVERSION:
    return bad_version(path, NULL, error);
  case MOONCREW_EHELPER:
    return embed_fail(error, code, "mooncrew_open: the helper %s ended without an answer",
                      path);
  case MOONCREW_ETIMEDOUT:
    return embed_fail(error, code, "mooncrew_open: the helper %s did not answer in %d ms",
                      path, timeout);
  default:
    return embed_fail(error, code, "mooncrew_open: %s", mooncrew_strerror(code));
  }
}

int embed_start(mooncrew *runtime, const mooncrew_options *options,
                mooncrew_error **error) {
  char path[PATH_MAX];
  if (!embed_locate(options->helper, path, sizeof path))
    return embed_fail(error, MOONCREW_EINVAL,
                      "mooncrew_open: options.helper: the path is too long");
  int code = launch(runtime, path, error);
  if (code)
    return code;
  code = open_descriptors(runtime);
  if (code)
    return embed_fail_system(error, code, "mooncrew_open");
  return shake_hands(runtime, options, path, error);
}

/* ---- the end ---- */

static bool has_ended(int pidfd, int timeout) {
  struct pollfd poll_for = {.fd = pidfd, .events = POLLIN};
  mc_time deadline = embed_deadline(timeout);
  for (;;) {
    mc_time now = mc_now();
    int left = now < deadline ? (int)((deadline - now) / 1000000) + 1 : 0;
    int got = poll(&poll_for, 1, left);
    if (got != 0 && !(got < 0 && errno == EINTR))
      return got > 0;
    if (got == 0)
      return false;
  }
}

static void close_descriptor(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

void embed_stop(mooncrew *runtime) {
  struct mc_frame bye = {.type = MC_FRAME_BYE};
  if (runtime->channel.fd >= 0) {
    /* What was to be sent is of no interest any more, but must be whole. */
    if (embed_channel_put(&runtime->channel, &bye, NULL, NULL))
      embed_channel_flush(&runtime->channel);
    shutdown(runtime->channel.fd, SHUT_WR);
  }
  if (runtime->pidfd >= 0) {
    if (!has_ended(runtime->pidfd, runtime->broken ? 0 : GRACE))
      mc_pidfd_kill(runtime->pidfd);
    has_ended(runtime->pidfd, GRACE);
    mc_pidfd_collect(runtime->pidfd);
  }
  close_descriptor(&runtime->pidfd);
  close_descriptor(&runtime->set);
  close_descriptor(&runtime->due);
  close_descriptor(&runtime->nudge);
  embed_channel_free(&runtime->channel);
  runtime->pid = 0;
}
