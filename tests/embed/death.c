/* The helper is killed, the host is killed: what is left, and who is told. */
#include "host.h"

#include <sys/prctl.h>

enum { HELPER_KILLS = 50, HOST_KILLS = 200, TASKS = 100 };

struct record {
  unsigned done, failed;
};

static void keep(void *data, mooncrew_task task, const mooncrew_values *results,
                 const mooncrew_error *failure) {
  struct record *record = data;
  (void)task, (void)results;
  if (!failure)
    record->done++;
  else if (mooncrew_error_code(failure) == MOONCREW_EHELPER)
    record->failed++;
}

static void test_helper_killed(void **state) {
  (void)state;
  unsigned before = count_descriptors();
  double longest = 0;
  for (int round = 0; round < HELPER_KILLS; round++) {
    struct record record = {0};
    mooncrew *host = open_host(2, 0);
    mooncrew_values *results =
        run_chunk(host, "return require 'mooncrew'.getpid()", NULL);
    pid_t worker = (pid_t)integer_at(results, 0);
    mooncrew_values_free(results);
    for (int i = 0; i < TASKS; i++)
      submit_chunk(host, i % 10 == 9 ? "while true do end" : "return 1", keep, &record);
    mooncrew_task waited = submit_chunk(host, "return 1", NULL, NULL);
    if (round % 2) /* somewhere in the middle; the loops block both workers soon */
      assert_true(dispatch_next(host) >= 0);
    kill((pid_t)stats_of(host).helper, SIGKILL);
    double start = seconds_now();
    while (record.done + record.failed < TASKS)
      assert_true(dispatch_next(host) != 0 || record.failed == 0);
    if (seconds_now() - start > longest)
      longest = seconds_now() - start;
    int code = mooncrew_wait(host, waited, 60000, NULL, NULL);
    assert_true(code == MOONCREW_OK || code == MOONCREW_EHELPER);
    assert_true(record.failed > 0);
    assert_int_equal(mooncrew_dispatch(host, 0), MOONCREW_EHELPER);
    assert_int_equal(stats_of(host).in_flight, 0);
    assert_int_equal(stats_of(host).helper, 0);
    must_fail(MOONCREW_EHELPER, "has ended",
              mooncrew_run(host, "os", "time", NULL, NULL, error));
    assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
    while (is_running(worker))
      usleep(1000); /* there is no event: it is no child of this process */
  }
  assert_int_equal(count_descriptors(), before);
  print_message("  all told after at most %.1f ms\n", longest * 1e3);
}

/* One that is stopped answers nothing: closing goes on without it. */
static void test_helper_stopped(void **state) {
  (void)state;
  struct record record = {0};
  mooncrew *host = open_host(2, 0);
  mooncrew_values *results = run_chunk(host, "return require 'mooncrew'.getpid()", NULL);
  pid_t worker = (pid_t)integer_at(results, 0), helper = (pid_t)stats_of(host).helper;
  mooncrew_values_free(results);
  for (int i = 0; i < TASKS; i++)
    submit_chunk(host, "while true do end", keep, &record);
  mooncrew_task task = submit_chunk(host, "return 1", NULL, NULL);
  kill(helper, SIGSTOP);
  must_fail(MOONCREW_ETIMEDOUT, "timed out", mooncrew_wait(host, task, 1, NULL, error));
  double start = seconds_now();
  assert_int_equal(mooncrew_close(host, 10), MOONCREW_OK);
  print_message("  closed after %.1f s\n", seconds_now() - start);
  assert_false(is_running(helper));
  while (is_running(worker))
    usleep(1000);
}

static void test_script_kills_helper(void **state) {
  (void)state;
  mooncrew *host = open_host(1, 0);
  char source[200];
  snprintf(source, sizeof source, "require 'luv'.kill(%d, 15) while true do end",
           (int)stats_of(host).helper);
  must_fail(MOONCREW_EHELPER, "has ended",
            mooncrew_run_source(host, source, strlen(source), NULL, NULL, NULL, error));
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
}

static void test_script_kills_foreman(void **state) {
  (void)state;
  mooncrew *host = open_host(1, 0);
  const char *source = "require 'luv'.kill(require 'mooncrew'.getppid(), 9) "
                       "while true do end";
  must_fail(MOONCREW_EHELPER, "has ended",
            mooncrew_run_source(host, source, strlen(source), NULL, NULL, NULL, error));
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
}

/* ---- the host ---- */

struct family {
  pid_t helper, workers[2];
};

/* A host with two workers that are stuck; tells who they are and waits for its end. */
static _Noreturn void be_a_host(int report) {
  mooncrew *host = open_host(2, 0);
  struct family family = {.helper = (pid_t)stats_of(host).helper};
  const char *get_pid = "return require 'mooncrew'.getpid()";
  while (!family.workers[1]) {
    mooncrew_values *results = run_chunk(host, get_pid, NULL);
    pid_t pid = (pid_t)integer_at(results, 0);
    mooncrew_values_free(results);
    if (!family.workers[0])
      family.workers[0] = pid;
    else if (pid != family.workers[0])
      family.workers[1] = pid;
  }
  for (int i = 0; i < 4; i++)
    submit_chunk(host, "while true do end", NULL, NULL);
  if (write(report, &family, sizeof family) != sizeof family)
    _exit(1);
  for (;;)
    pause();
}

static double time_until_gone(const struct family *family) {
  double start = seconds_now();
  while (is_running(family->helper) || is_running(family->workers[0]) ||
         is_running(family->workers[1])) {
    assert_true(seconds_now() < start + 60);
    usleep(200);
  }
  return seconds_now() - start;
}

static void test_host_killed(void **state) {
  (void)state;
  double longest = 0;
  for (int round = 0; round < HOST_KILLS; round++) {
    int ends[2];
    struct family family;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t host = fork();
    if (host == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      be_a_host(ends[1]);
    }
    assert_int_equal(read(ends[0], &family, sizeof family), sizeof family);
    kill(host, SIGKILL);
    assert_int_equal(waitpid(host, NULL, 0), host);
    double took = time_until_gone(&family);
    if (took > longest)
      longest = took;
    close(ends[0]);
    close(ends[1]);
  }
  print_message("  all gone after at most %.1f ms\n", longest * 1e3);
}

/* Opens, submits and closes, over and over. */
static _Noreturn void be_a_busy_host(int report) {
  struct record record = {0};
  for (bool told = false;; told = true) {
    mooncrew *host = open_host(2, 0);
    for (int i = 0; i < 20; i++)
      submit_chunk(host, i % 10 ? "return 1" : "while true do end", keep, &record);
    if (!told && write(report, "x", 1) != 1)
      _exit(1);
    for (int i = 0; i < 5; i++)
      mooncrew_dispatch(host, 1);
    mooncrew_close(host, 0);
  }
}

/* This process adopts what loses its parent: with the last of them there is no child. */
static void test_host_killed_anywhere(void **state) {
  (void)state;
  unsigned seed = 1;
  double longest = 0;
  assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  for (int round = 0; round < HOST_KILLS; round++) {
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t host = fork();
    if (host == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      be_a_busy_host(ends[1]);
    }
    if (round % 2) /* else it dies while it starts */
      assert_int_equal(read(ends[0], &byte, 1), 1);
    usleep(rand_r(&seed) % 10000);
    kill(host, SIGKILL);
    double start = seconds_now();
    while (waitpid(-1, NULL, 0) > 0)
      ;
    assert_int_equal(errno, ECHILD);
    if (seconds_now() - start > longest)
      longest = seconds_now() - start;
    close(ends[0]);
    close(ends[1]);
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  print_message("  all gone after at most %.1f ms\n", longest * 1e3);
}

/* A child of the host holds a copy of its end of the socket: it must not keep the helper
 * alive. */
static void test_host_killed_with_child(void **state) {
  (void)state;
  int ends[2], children[2];
  struct family family;
  pid_t child;
  assert_int_equal(pipe(ends) || pipe(children), 0);
  fflush(NULL);
  pid_t host = fork();
  if (host == 0) {
    mooncrew *mine = open_host(2, 0);
    (void)mine;
    pid_t copy = fork();
    if (copy == 0)
      for (;;)
        pause();
    if (write(children[1], &copy, sizeof copy) != sizeof copy)
      _exit(1);
    family = (struct family){.helper = (pid_t)stats_of(mine).helper};
    family.workers[0] = family.workers[1] = family.helper;
    if (write(ends[1], &family, sizeof family) != sizeof family)
      _exit(1);
    for (;;)
      pause();
  }
  assert_int_equal(read(children[0], &child, sizeof child), sizeof child);
  assert_int_equal(read(ends[0], &family, sizeof family), sizeof family);
  kill(host, SIGKILL);
  assert_int_equal(waitpid(host, NULL, 0), host);
  time_until_gone(&family);
  assert_true(is_running(child));
  kill(child, SIGKILL);
  for (int i = 0; i < 2; i++) {
    close(ends[i]);
    close(children[i]);
  }
  while (is_running(child))
    usleep(200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_helper_killed),
      cmocka_unit_test(test_helper_stopped),
      cmocka_unit_test(test_script_kills_helper),
      cmocka_unit_test(test_script_kills_foreman),
      cmocka_unit_test(test_host_killed),
      cmocka_unit_test(test_host_killed_anywhere),
      cmocka_unit_test(test_host_killed_with_child),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
