#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/futex.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t *words; /* shared with children */

static int setup(void **state) {
  (void)state;
  words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return words == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state) {
  (void)state;
  return munmap(words, 4096);
}

static int end_of(pid_t pid) {
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return status;
}

/* Waits until the process sleeps. */
static void await_sleep(pid_t pid) {
  char path[64], line[512], *state;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  do {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    line[fread(line, 1, sizeof line - 1, file)] = '\0';
    fclose(file);
    state = strrchr(line, ')');
    assert_non_null(state);
  } while (state[2] != 'S');
}

static void test_wait_and_wake(void **state) {
  (void)state;
  assert_int_equal(mc_futex_wait(&words[0], 1, MC_FUTEX_SLEEP_FOREVER), -EAGAIN);
  mc_time start = mc_now();
  assert_int_equal(mc_futex_wait(&words[0], 0, 10000000), -ETIMEDOUT);
  assert_true(mc_now() - start >= 10000000);
  pid_t pid = fork();
  if (pid == 0) {
    int rc = mc_futex_wait(&words[0], 0, MC_FUTEX_SLEEP_FOREVER);
    _exit(rc == 0 || rc == -EAGAIN ? 0 : 1);
  }
  await_sleep(pid);
  __atomic_store_n(&words[0], 1, __ATOMIC_SEQ_CST);
  mc_futex_wake(&words[0], 1);
  assert_int_equal(end_of(pid), 0);
}

static void test_wait_any(void **state) {
  (void)state;
  struct mc_futex_word list[MC_FUTEX_WAITV_MAX];
  for (int i = 0; i < MC_FUTEX_WAITV_MAX; i++)
    list[i] = (struct mc_futex_word){&words[i], 0};
  assert_int_equal(mc_futex_wait_any(list, 0, 0), -EINVAL);
  assert_int_equal(mc_futex_wait_any(list, MC_FUTEX_WAITV_MAX + 1, 0), -EINVAL);
  int rc = mc_futex_wait_any(list, MC_FUTEX_WAITV_MAX, 10000000);
  if (rc == -ENOSYS)
    skip(); /* an older kernel: the watcher polls */
  assert_int_equal(rc, -ETIMEDOUT);
  list[77].value = 5;
  assert_int_equal(mc_futex_wait_any(list, MC_FUTEX_WAITV_MAX, MC_FUTEX_SLEEP_FOREVER),
                   -EAGAIN);
  list[77].value = 0;
  pid_t pid = fork();
  if (pid == 0) {
    rc = mc_futex_wait_any(list, MC_FUTEX_WAITV_MAX, MC_FUTEX_SLEEP_FOREVER);
    _exit(rc == 0 || rc == -EAGAIN ? 0 : 1);
  }
  await_sleep(pid);
  __atomic_store_n(&words[100], 1, __ATOMIC_SEQ_CST);
  mc_futex_wake(&words[100], 1);
  assert_int_equal(end_of(pid), 0);
}

static void on_signal(int signal) {
  (void)signal;
}

static void test_interrupted(void **state) {
  (void)state;
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    while (__atomic_load_n(&words[1], __ATOMIC_SEQ_CST) == 0) {
      kill(parent, SIGUSR1);
      usleep(1000);
    }
    _exit(0);
  }
  assert_int_equal(mc_futex_wait(&words[0], 0, MC_FUTEX_SLEEP_FOREVER), -EINTR);
  __atomic_store_n(&words[1], 1, __ATOMIC_SEQ_CST);
  int status;
  while (waitpid(pid, &status, 0) != pid)
    ;
  signal(SIGUSR1, SIG_DFL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_wait_and_wake, setup, teardown),
      cmocka_unit_test_setup_teardown(test_wait_any, setup, teardown),
      cmocka_unit_test_setup_teardown(test_interrupted, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
