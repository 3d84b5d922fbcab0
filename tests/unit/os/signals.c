/* What becomes of handlers of signals in a forked child (os/signals.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/process.h"
#include "os/signals.h"

#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

static void handler(int number) {
  (void)number;
}

static bool has(int number, void (*action)(int)) {
  struct sigaction now;
  return sigaction(number, NULL, &now) == 0 && now.sa_handler == action;
}

/* Whether a child has this action for the signal. */
static bool child_has(int number, void (*action)(int)) {
  pid_t pid = mc_fork(MC_SIGNALS_DEFAULT);
  if (pid == 0)
    _exit(has(number, action) ? 0 : 1);
  int code;
  assert_true(pid > 0 && mc_collect(pid, true, &code));
  return code == 0;
}

static void set(int number, void (*action)(int)) {
  struct sigaction new = {.sa_handler = action};
  assert_int_equal(sigaction(number, &new, NULL), 0);
}

static void test_all(void **state) {
  (void)state;
  set(SIGUSR1, handler);
  set(SIGUSR2, SIG_IGN);
  set(SIGRTMIN + 3, handler);
  assert_true(child_has(SIGUSR1, SIG_DFL));
  assert_true(child_has(SIGUSR2, SIG_IGN));
  assert_true(child_has(SIGRTMIN + 3, SIG_DFL));
  assert_true(has(SIGUSR1, handler)); /* the parent keeps its own */
  set(SIGWINCH, handler);
  assert_true(child_has(SIGWINCH, SIG_DFL));
  set(SIGRTMIN + 3, SIG_DFL);
  set(SIGWINCH, SIG_DFL);
}

/* Handlers from before the first fork are known, those of SIGINT and SIGTERM always. */
static void test_mine(void **state) {
  (void)state;
  mc_signals_mine();
  assert_true(child_has(SIGUSR1, SIG_DFL));
  assert_true(child_has(SIGUSR2, SIG_IGN));
  set(SIGINT, handler);
  set(SIGTERM, handler);
  assert_true(child_has(SIGINT, SIG_DFL));
  assert_true(child_has(SIGTERM, SIG_DFL));
  assert_true(child_has(SIGUSR1, SIG_DFL));
}

/* A library may set handlers at any time. */
static void test_loaded(void **state) {
  (void)state;
  void *library = dlopen("libuv.so.1", RTLD_NOW | RTLD_LOCAL);
  assert_non_null(library);
  set(SIGHUP, handler);
  assert_true(child_has(SIGHUP, SIG_DFL));
  assert_true(child_has(SIGUSR1, SIG_DFL));
  assert_true(child_has(SIGINT, SIG_DFL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all),
      cmocka_unit_test(test_mine),
      cmocka_unit_test(test_loaded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
