/* Empty tasks that a program in C submits, and the least that it could: words through a
 * pipe to a forked child and back. One at a time, or IN_FLIGHT under way.
 * bench_host task|pipe IN_FLIGHT N */
#include "bench/support/limit.h"

#include <libgen.h>
#include <mooncrew.h>
#include <poll.h>

static long n_done;

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* ---- tasks ---- */

static void on_done(void *data, mooncrew_task task, const mooncrew_values *results,
                    const mooncrew_error *error) {
  (void)data, (void)task, (void)results;
  if (error)
    fail(mooncrew_error_message(error));
  n_done++;
}

/* The helper is the binary of the same build. */
static mooncrew *open_runtime(unsigned in_flight) {
  static char path[4200];
  char self[4096] = "";
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
    fail("/proc/self/exe");
  snprintf(path, sizeof path, "%s/mooncrew", dirname(dirname(self)));
  mooncrew *runtime = NULL;
  mooncrew_error *error = NULL;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.helper = path;
  options.workers = in_flight == 1 ? 1 : 0;
  options.backlog = in_flight;
  if (mooncrew_open(&options, &runtime, &error) ||
      mooncrew_run_source(runtime, "return", 6, NULL, NULL, NULL, &error))
    fail(mooncrew_error_message(error));
  return runtime;
}

static double run_tasks(unsigned in_flight, long n) {
  mooncrew *runtime = open_runtime(in_flight);
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = on_done;
  struct pollfd poll_for = {.fd = mooncrew_poll_fd(runtime), .events = POLLIN};
  double start = now();
  for (long submitted = 0; n_done < n;) {
    int code = submitted < n ? mooncrew_submit_source(runtime, "return", 6, NULL, NULL,
                                                      &options, NULL, NULL)
                             : MOONCREW_EAGAIN;
    submitted += code == MOONCREW_OK;
    if (code == MOONCREW_EAGAIN &&
        (poll(&poll_for, 1, -1) < 0 || mooncrew_dispatch(runtime, 0) < 0))
      fail("dispatch");
    else if (code != MOONCREW_OK && code != MOONCREW_EAGAIN)
      fail(mooncrew_strerror(code));
  }
  double took = now() - start;
  mooncrew_close(runtime, 0);
  return took;
}

/* ---- a pipe ---- */

static _Noreturn void answer(int from, int to) {
  uint64_t word;
  while (read(from, &word, sizeof word) == sizeof word)
    if (write(to, &word, sizeof word) != sizeof word)
      break;
  _exit(0);
}

static double run_pipe(unsigned in_flight, long n) {
  int there[2], back[2];
  if (pipe(there) || pipe(back))
    fail("pipe");
  pid_t child = fork_bound();
  if (child == 0) {
    close(there[1]);
    answer(there[0], back[1]);
  }
  double start = now();
  for (long sent = 0; n_done < n;) {
    uint64_t word = (uint64_t)sent;
    if (sent < n && sent - n_done < (long)in_flight) {
      if (write(there[1], &word, sizeof word) != sizeof word)
        fail("write");
      sent++;
    } else if (read(back[0], &word, sizeof word) == sizeof word) {
      n_done++;
    } else {
      fail("read");
    }
  }
  double took = now() - start;
  close(there[1]);
  waitpid(child, NULL, 0);
  return took;
}

#define MOST 4096 /* words, which fit a pipe */

int main(int argc, char *argv[]) {
  long n = count_of(argc, argv, 2, "bench_host task|pipe IN_FLIGHT N");
  long in_flight = atol(argv[2]);
  if (in_flight < 1 || in_flight > MOST)
    return 2;
  double took = argv[1][0] == 't' ? run_tasks((unsigned)in_flight, n)
                                  : run_pipe((unsigned)in_flight, n);
  printf("%ld %.6f %ld\n", n, took, n_done);
  return 0;
}
