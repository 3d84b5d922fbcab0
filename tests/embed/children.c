/* A host with children of its own, and each way to look after them: ours are never seen,
 * theirs are never taken. */
#include "host.h"

#include <sys/prctl.h>

enum { CHILDREN = 1000, TASKS = 1000 };

static volatile sig_atomic_t n_reaped;
static pid_t pids[CHILDREN];

static struct {
  pid_t pid;
  int status;
} reaped[CHILDREN + 100];

/* A reaper as a careless host writes it: any child. */
static void reap_any(int number) {
  int saved = errno, status;
  pid_t pid;
  (void)number;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (n_reaped < (sig_atomic_t)(sizeof reaped / sizeof *reaped)) {
      reaped[n_reaped].pid = pid;
      reaped[n_reaped].status = status;
    }
    n_reaped = n_reaped + 1;
  }
  errno = saved;
}

static unsigned n_done;

static void count_done(void *data, mooncrew_task task, const mooncrew_values *results,
                       const mooncrew_error *failure) {
  (void)data, (void)task, (void)results;
  if (failure)
    print_error("%s\n", mooncrew_error_message(failure));
  else
    n_done++;
}

static pid_t start_child(int i) {
  pid_t pid = fork();
  if (pid == 0)
    _exit(i % 200);
  assert_true(pid > 0);
  return pid;
}

/* Tasks and children at once; every task must be done. */
static void run_both(void) {
  mooncrew *host = open_host(2, 0);
  n_done = 0;
  n_reaped = 0;
  for (int i = 0; i < CHILDREN; i++) {
    pids[i] = start_child(i);
    if (i < TASKS)
      submit_chunk(host, "return 1", count_done, NULL);
    if (i % 50 == 0)
      assert_true(mooncrew_dispatch(host, 0) >= 0);
  }
  while (n_done < TASKS)
    assert_true(dispatch_next(host) >= 0);
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
}

static void test_reaper(void **state) {
  (void)state;
  struct sigaction action = {.sa_handler = reap_any, .sa_flags = SA_RESTART};
  sigaction(SIGCHLD, &action, NULL);
  run_both();
  while (n_reaped < CHILDREN)
    pause(); /* a signal is due for each that is missing */
  signal(SIGCHLD, SIG_DFL);
  assert_int_equal(n_reaped, CHILDREN); /* none of ours among them */
  for (int i = 0; i < CHILDREN; i++) {
    int found = 0;
    for (int j = 0; j < CHILDREN; j++)
      if (reaped[j].pid == pids[i]) {
        assert_true(WIFEXITED(reaped[j].status));
        assert_int_equal(WEXITSTATUS(reaped[j].status), i % 200);
        found++;
      }
    assert_int_equal(found, 1);
  }
}

static void test_default(void **state) {
  (void)state;
  signal(SIGCHLD, SIG_DFL);
  run_both();
  for (int i = 0; i < CHILDREN; i++) {
    int status = -1;
    assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), i % 200);
  }
  assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
}

static void no_child_is_left(void) {
  while (waitpid(-1, NULL, 0) >= 0 || errno == EINTR)
    ; /* with SIG_IGN this waits for the last of them, and says ECHILD */
  assert_int_equal(errno, ECHILD);
}

static void test_ignored(void **state) {
  (void)state;
  signal(SIGCHLD, SIG_IGN);
  run_both();
  no_child_is_left();
  struct sigaction action;
  sigaction(SIGCHLD, NULL, &action);
  assert_true(action.sa_handler == SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
}

static void test_no_wait(void **state) {
  (void)state;
  struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
  sigaction(SIGCHLD, &action, NULL);
  run_both();
  no_child_is_left();
  signal(SIGCHLD, SIG_DFL);
}

/* The host has adopted our orphans, as the first process of a container does. */
static void test_adopting(void **state) {
  (void)state;
  unsigned before = count_descriptors();
  for (int i = 0; i < 20; i++) {
    mooncrew *host = open_host(2, 0);
    mooncrew_values_free(run_chunk(host, "return 1", NULL));
    assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  }
  assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1); /* not even a zombie */
  assert_int_equal(errno, ECHILD);
  assert_int_equal(count_descriptors(), before);
}

static int become_adopter(void **state) {
  (void)state;
  return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int adopt_no_more(void **state) {
  (void)state;
  return prctl(PR_SET_CHILD_SUBREAPER, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reaper),
      cmocka_unit_test(test_default),
      cmocka_unit_test(test_ignored),
      cmocka_unit_test(test_no_wait),
      cmocka_unit_test_setup_teardown(test_adopting, become_adopter, adopt_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
