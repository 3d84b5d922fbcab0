/* Confined children through crew/confine.h: what fails is an error of the start, and then
 * there is no child. */
#include "crew/confine.h"
#include "base/error.h"
#include "os/landlock.h"
#include "share/space.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int opened(void *data) {
  (void)data;
  int n = 0;
  while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
    n++;
  return n;
}

static int tell_limit(void *data) {
  (void)data;
  struct rlimit cpu;
  getrlimit(RLIMIT_CPU, &cpu);
  return (int)cpu.rlim_cur;
}

static int end_with(void *data) {
  return *(int *)data;
}

static int first_free(void) {
  int fd = open("/dev/null", O_RDONLY);
  close(fd);
  return fd;
}

static int code_of(const struct mc_confine *confine, int (*body)(void *), void *data) {
  struct mc_child child;
  enum mc_confine_step step;
  int free = first_free();
  assert_int_equal(
      mc_child_start_confined(&child, MC_SIGNALS_DEFAULT, confine, body, data, &step), 0);
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0);
  assert_int_equal(first_free(), free);
  return child.code;
}

static void holds_the_child_alone(void **state) {
  (void)state;
  struct rlimit before, after;
  struct mc_confine confine = {.limits = {.cpu = 77, .files = 3, .files_limited = true}};
  getrlimit(RLIMIT_CPU, &before);
  assert_int_equal(code_of(&confine, tell_limit, NULL), 77);
  assert_int_equal(code_of(&confine, opened, NULL), 3);
  getrlimit(RLIMIT_CPU, &after);
  assert_true(before.rlim_cur == after.rlim_cur);
  struct mc_confine nothing = {0};
  int status = 5;
  assert_int_equal(code_of(&nothing, end_with, &status), 5);
}

/* Nothing is left of the child: no member, no descriptor. */
static void expect_error(const struct mc_confine *confine, int error,
                         enum mc_confine_step wanted) {
  struct mc_space_stats before, after;
  struct mc_child child;
  enum mc_confine_step step;
  int status = 0, free = first_free();
  mc_space_stats(&before);
  assert_int_equal(mc_child_start_confined(&child, MC_SIGNALS_DEFAULT, confine, end_with,
                                           &status, &step),
                   error);
  assert_int_equal(step, wanted);
  mc_space_stats(&after);
  assert_int_equal(after.members, before.members);
  assert_int_equal(first_free(), free);
}

static void says_that_a_sandbox_was_not_entered(void **state) {
  (void)state;
  int no_rules = open("/dev/null", O_RDONLY | O_CLOEXEC);
  struct mc_confine confine = {.sandboxed = true, .sandbox = {.rules = no_rules}};
  int error = mc_landlock_abi() > 0 ? -EBADFD : -ENOSYS;
  expect_error(&confine, error, MC_STEP_SANDBOX);
  close(no_rules);
}

static void says_that_it_could_not_be_told(void **state) {
  (void)state;
  struct rlimit old;
  getrlimit(RLIMIT_NOFILE, &old);
  struct rlimit none = {(rlim_t)first_free() + 1, old.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  struct mc_confine confine = {.limits = {.cpu = 5}};
  expect_error(&confine, -EMFILE, MC_STEP_START);
  setrlimit(RLIMIT_NOFILE, &old);
}

static int kill_itself(void *data) {
  (void)data;
  raise(SIGKILL);
  return 0;
}

static void a_death_is_no_error_of_the_start(void **state) {
  (void)state;
  struct mc_confine confine = {.limits = {.cpu = 5}};
  assert_int_equal(code_of(&confine, kill_itself, NULL), -SIGKILL);
}

static int make_space(void **state) {
  (void)state;
  int error = mc_space_create(64u << 20);
  return error ? error : mc_watcher_ensure(); /* counted before the first case */
}

static int stop_watcher(void **state) {
  (void)state;
  mc_watcher_stop();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holds_the_child_alone),
      cmocka_unit_test(says_that_a_sandbox_was_not_entered),
      cmocka_unit_test(says_that_it_could_not_be_told),
      cmocka_unit_test(a_death_is_no_error_of_the_start),
  };
  return cmocka_run_group_tests(tests, make_space, stop_watcher);
}
