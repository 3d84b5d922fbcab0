/* What the tests of the embedding library share: they are hosts, and know mooncrew.h
 * alone. */
#ifndef MC_TESTS_EMBED_HOST_H
#define MC_TESTS_EMBED_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mooncrew.h>

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A call that must go well; says why it did not. */
#define must(call)                                                                       \
  do {                                                                                   \
    mooncrew_error *error_ = NULL;                                                       \
    mooncrew_error **error = &error_;                                                    \
    int code_ = (call);                                                                  \
    if (code_ < 0)                                                                       \
      print_error("%s: %s\n", mooncrew_strerror(code_), mooncrew_error_message(error_)); \
    mooncrew_error_free(error_);                                                         \
    assert_true(code_ >= 0);                                                             \
  } while (0)

/* A call that must fail with this code and a message that holds this text. */
#define must_fail(expected, text, call)                                                  \
  do {                                                                                   \
    mooncrew_error *error_ = NULL;                                                       \
    mooncrew_error **error = &error_;                                                    \
    int code_ = (call);                                                                  \
    const char *message_ = mooncrew_error_message(error_);                               \
    if (code_ != (expected) || mooncrew_error_code(error_) != (expected) ||              \
        !strstr(message_, text))                                                         \
      fail_msg("expected %d with '%s', got %d: %s", (expected), text, code_, message_);  \
    mooncrew_error_free(error_);                                                         \
  } while (0)

static inline mooncrew *open_host(unsigned workers, unsigned backlog) {
  mooncrew *host = NULL;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = workers;
  options.backlog = backlog;
  must(mooncrew_open(&options, &host, error));
  assert_non_null(host);
  return host;
}

static inline mooncrew_stats stats_of(mooncrew *host) {
  mooncrew_stats stats = {.size = sizeof stats};
  assert_int_equal(mooncrew_get_stats(host, &stats), MOONCREW_OK);
  assert_true(stats.submitted ==
              stats.done + stats.failed + stats.cancelled + stats.in_flight);
  return stats;
}

/* Runs a chunk; its results. */
static inline mooncrew_values *run_chunk(mooncrew *host, const char *source,
                                         const mooncrew_values *args) {
  mooncrew_values *results = NULL;
  must(
      mooncrew_run_source(host, source, strlen(source), "=chunk", args, &results, error));
  return results;
}

static inline int64_t integer_at(const mooncrew_values *values, size_t place) {
  int64_t integer = INT64_MIN;
  assert_int_equal(mooncrew_value_integer(mooncrew_values_at(values, place), &integer),
                   MOONCREW_OK);
  return integer;
}

/* Submits a chunk without arguments. */
static inline mooncrew_task submit_chunk(mooncrew *host, const char *source,
                                         mooncrew_done done, void *data) {
  mooncrew_task task = 0;
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = done;
  options.data = data;
  must(mooncrew_submit_source(host, source, strlen(source), "=chunk", NULL, &options,
                              &task, error));
  assert_true(task != 0);
  return task;
}

/* Waits in poll, as a host's loop does, and dispatches. */
static inline int dispatch_next(mooncrew *host) {
  struct pollfd poll_for = {.fd = mooncrew_poll_fd(host), .events = POLLIN};
  while (poll(&poll_for, 1, 60000) < 0 && errno == EINTR)
    ;
  assert_int_equal(poll_for.revents, POLLIN);
  return mooncrew_dispatch(host, 0);
}

static inline unsigned count_descriptors(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (readdir(folder))
    count++;
  closedir(folder);
  return count;
}

/* The library of tasks in C (tests/embed/library), which is built beside this program.
 * One that is under a sanitizer needs one that is not: workers load it. */
static inline const char *host_library(void) {
  static char path[4200];
  const char *plain = getenv("MOONCREW_TEST_LIBRARY");
  if (plain)
    return plain;
  char self[4096] = "";
  assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  snprintf(path, sizeof path, "%s/embed_library.so", dirname(self));
  return path;
}

/* Is there a process of that number, not counting one that only waits to be collected? */
static inline bool is_running(pid_t pid) {
  char path[64], line[512] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *file = fopen(path, "r");
  if (!file)
    return false;
  size_t got = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  line[got] = '\0';
  const char *state = strrchr(line, ')');
  return state && state[2] != 'Z' && state[2] != 'X';
}

static inline double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
