/* What a task costs a host, beside the least that it could: a pipe to a forked child that
 * only answers. Figures are printed, results are checked, no speed is. */
#include "host.h"

enum { ROUNDS = 2000, TASKS = 20000, IN_FLIGHT = 1000 };

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(const char *what, double *times) {
  qsort(times, ROUNDS, sizeof *times, compare);
  print_message("  %s: median %.1f us, 99 of 100 below %.1f us\n", what,
                times[ROUNDS / 2] * 1e6, times[ROUNDS * 99 / 100] * 1e6);
}

static void test_pipe(void **state) {
  (void)state;
  static double times[ROUNDS];
  int there[2], back[2];
  char byte = 'x';
  assert_int_equal(pipe(there) || pipe(back), 0);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    close(there[1]);
    while (read(there[0], &byte, 1) == 1)
      if (write(back[1], &byte, 1) != 1)
        break;
    _exit(0);
  }
  close(there[0]);
  for (int i = 0; i < ROUNDS; i++) {
    double start = seconds_now();
    assert_int_equal(write(there[1], &byte, 1), 1);
    assert_int_equal(read(back[0], &byte, 1), 1);
    times[i] = seconds_now() - start;
  }
  close(there[1]);
  close(back[0]);
  close(back[1]);
  assert_int_equal(waitpid(child, NULL, 0), child);
  report("a pipe there and back", times);
}

static void test_latency(void **state) {
  (void)state;
  static double times[ROUNDS];
  mooncrew *host = open_host(1, 0);
  mooncrew_values_free(run_chunk(host, "return", NULL));
  for (int i = 0; i < ROUNDS; i++) {
    double start = seconds_now();
    must(mooncrew_run_source(host, "return", 6, NULL, NULL, NULL, error));
    times[i] = seconds_now() - start;
  }
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  report("an empty task, submitted to done", times);
}

static unsigned n_done;

static void count_done(void *data, mooncrew_task task, const mooncrew_values *results,
                       const mooncrew_error *failure) {
  (void)data, (void)task, (void)results;
  n_done += failure == NULL;
}

static void test_rate(void **state) {
  (void)state;
  mooncrew *host = open_host(2, IN_FLIGHT);
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = count_done;
  double start = seconds_now();
  for (unsigned submitted = 0; submitted < TASKS;) {
    int code =
        mooncrew_submit_source(host, "return", 6, NULL, NULL, &options, NULL, NULL);
    submitted += code == MOONCREW_OK;
    if (code != MOONCREW_OK)
      assert_true(dispatch_next(host) >= 0);
  }
  while (n_done < TASKS)
    assert_true(dispatch_next(host) >= 0);
  print_message("  %d in flight: %.0f empty tasks a second\n", IN_FLIGHT,
                TASKS / (seconds_now() - start));
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pipe),
      cmocka_unit_test(test_latency),
      cmocka_unit_test(test_rate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
