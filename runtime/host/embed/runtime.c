/* Opening, closing and looking after a runtime. */
#include "host/embed/runtime.h"

#include "os/pollset.h"

#define BACKLOG     1024
#define MAX_WORKERS 1024
#define MAX_BACKLOG (1u << 20)

bool embed_options(void *mine, size_t size, const void *theirs) {
  size_t their_size;
  memcpy(&their_size, theirs, sizeof their_size);
  if (their_size < sizeof their_size || their_size > 65536)
    return false;
  const unsigned char *bytes = theirs;
  for (size_t i = size; i < their_size; i++)
    if (bytes[i])
      return false;
  memcpy(mine, theirs, their_size < size ? their_size : size);
  return true;
}

static int check_options(const mooncrew_options *options, mooncrew_error **error) {
  const char *what = NULL;
  long long got = 0;
  if (options->workers > MAX_WORKERS) {
    what = "workers: at most 1024";
    got = options->workers;
  } else if (options->backlog > MAX_BACKLOG) {
    what = "backlog: at most 1048576";
    got = options->backlog;
  } else if (options->shared_memory > INT64_MAX) {
    what = "shared_memory: at most 2^63 - 1";
    got = -1;
  } else if (options->worker_memory > INT64_MAX) {
    what = "worker_memory: at most 2^63 - 1";
    got = -1;
  } else if (options->without > 15) {
    what = "without: MOONCREW_NO_…";
    got = options->without;
  } else if (options->task_timeout < 0) {
    what = "task_timeout: a number of milliseconds";
    got = options->task_timeout;
  } else if (options->open_timeout < 0) {
    what = "open_timeout: a number of milliseconds";
    got = options->open_timeout;
  }
  return what ? embed_fail(error, MOONCREW_EINVAL,
                           "mooncrew_open: options.%s expected, got %lld", what, got)
              : MOONCREW_OK;
}

static void discard(mooncrew *runtime) {
  embed_stop(runtime);
  embed_tasks_free(runtime);
  embed_calls_free(runtime);
  for (mooncrew_object *object = runtime->dropped, *next; object; object = next) {
    next = object->next;
    embed_free(object);
  }
  mooncrew_error_free(runtime->broken);
  mc_guard_destroy(&runtime->guard);
  embed_free(runtime);
}

static int open_runtime(const mooncrew_options *options, mooncrew **out,
                        mooncrew_error **error) {
  mooncrew *runtime = embed_new(sizeof *runtime);
  if (!runtime)
    return embed_fail(error, MOONCREW_ENOMEM, "mooncrew_open: not enough memory");
  runtime->channel.fd = runtime->set = runtime->due = runtime->nudge = -1;
  runtime->pidfd = -1;
  runtime->backlog = options->backlog ? options->backlog : BACKLOG;
  runtime->task_timeout = options->task_timeout;
  runtime->log = options->log;
  runtime->log_data = options->log_data;
  int system = mc_guard_init(&runtime->guard);
  if (system) {
    embed_free(runtime);
    return embed_fail_system(error, system, "mooncrew_open");
  }
  int code = embed_start(runtime, options, error);
  if (!code && !embed_register(runtime))
    code = embed_fail(error, MOONCREW_ESYSTEM, "mooncrew_open: no mutex to be had");
  if (code)
    discard(runtime);
  else
    *out = runtime;
  return code;
}

int mooncrew_open(const mooncrew_options *theirs, mooncrew **runtime,
                  mooncrew_error **error) {
  mooncrew_options options;
  mooncrew_options_init(&options);
  if (!runtime)
    return embed_fail(error, MOONCREW_EINVAL,
                      "mooncrew_open: runtime: a place for it expected, got NULL");
  *runtime = NULL;
  if (theirs && !embed_options(&options, sizeof options, theirs))
    return embed_fail(
        error, MOONCREW_EVERSION,
        "mooncrew_open: options: set up by mooncrew_options_init() and with "
        "known fields expected, of %zu bytes; got %zu bytes",
        sizeof options, theirs->size);
  int code = check_options(&options, error);
  if (code)
    return code;
  int state = mc_cancel_off();
  code = open_runtime(&options, runtime, error);
  mc_cancel_restore(state);
  return code;
}

int mooncrew_close(mooncrew *runtime, int timeout) {
  struct embed_visit visit;
  if (!runtime)
    return MOONCREW_OK;
  int code = embed_enter(&visit, runtime, __func__, NULL);
  if (code)
    return code;
  if (runtime->running || runtime->state != EMBED_OPEN) {
    embed_leave(&visit);
    return MOONCREW_EBUSY;
  }
  runtime->state = EMBED_DRAINING;
  mc_time deadline = embed_deadline(timeout);
  while (runtime->in_flight && !runtime->broken && mc_now() < deadline) {
    embed_await(runtime, deadline);
    embed_run_due(runtime, 0);
  }
  embed_tasks_cancel(runtime);
  runtime->state = EMBED_CLOSING;
  embed_run_due(runtime, 0);
  mc_guard_wake(&runtime->guard);
  mc_flag_raise(runtime->nudge);
  embed_unregister(&visit);
  discard(runtime);
  mc_cancel_restore(visit.cancel_state);
  return MOONCREW_OK;
}

int mooncrew_poll_fd(mooncrew *runtime) {
  struct embed_visit visit;
  int code = embed_enter(&visit, runtime, __func__, NULL);
  if (code)
    return code;
  int fd = runtime->set;
  embed_leave(&visit);
  return fd;
}

int mooncrew_dispatch(mooncrew *runtime, unsigned most) {
  struct embed_visit visit;
  int code = embed_enter(&visit, runtime, __func__, NULL);
  if (code)
    return code;
  if (!runtime->reading)
    embed_take_in(runtime); /* else who reads does it */
  mc_guard_wake(&runtime->guard);
  unsigned count = embed_run_due(runtime, most);
  code = (int)(count < INT32_MAX ? count : INT32_MAX);
  if (!count && runtime->starved)
    code = MOONCREW_ENOMEM;
  else if (!count && runtime->broken)
    code = runtime->broken->code;
  embed_leave(&visit);
  return code;
}

int mooncrew_get_stats(mooncrew *runtime, mooncrew_stats *stats) {
  struct embed_visit visit;
  mooncrew_stats mine;
  memset(&mine, 0, sizeof mine);
  if (!stats || stats->size < sizeof mine.size)
    return MOONCREW_EINVAL;
  int code = embed_enter(&visit, runtime, __func__, NULL);
  if (code)
    return code;
  mine.size = stats->size;
  mine.submitted = runtime->submitted;
  mine.done = runtime->done;
  mine.failed = runtime->failed;
  mine.cancelled = runtime->cancelled;
  mine.in_flight = runtime->in_flight;
  mine.helper = runtime->pid;
  embed_leave(&visit);
  memcpy(stats, &mine, stats->size < sizeof mine ? stats->size : sizeof mine);
  return MOONCREW_OK;
}
