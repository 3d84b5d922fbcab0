/* A detached program: who sees it, what it inherits, how its end shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool ended(int pidfd, int timeout) {
  struct pollfd poll_for = {.fd = pidfd, .events = POLLIN};
  return poll(&poll_for, 1, timeout) == 1;
}

/* Runs `sh -c script` with fd as its 3 (and 4); what it writes to 3 is put into text. */
static size_t output_of(const char *script, char *text, size_t size) {
  char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  int fds[] = {ends[1], ends[1]};
  struct mc_detach what = {"/bin/sh", argv, environ, fds, 2};
  pid_t pid;
  int pidfd;
  assert_int_equal(mc_detach_start(&what, &pid, &pidfd), 0);
  close(ends[1]);
  size_t length = 0;
  ssize_t got;
  while ((got = read(ends[0], text + length, size - 1 - length)) > 0)
    length += (size_t)got;
  text[length] = '\0';
  close(ends[0]);
  assert_true(ended(pidfd, 10000));
  mc_pidfd_collect(pidfd);
  close(pidfd);
  return length;
}

static void test_descriptors(void **state) {
  (void)state;
  char text[256];
  int leak = fcntl(1, F_DUPFD, 100); /* open on exec: a host may be careless */
  /* No pipe: the shell itself would have an end of it for a moment. */
  output_of("(exec ls /proc/$$/fd >&3); cat >&3; echo end >&4", text, sizeof text);
  assert_string_equal(text, "0\n1\n2\n3\n4\nend\n"); /* and the input is empty */
  close(leak);
}

static void test_signals(void **state) {
  (void)state;
  char text[256];
  sigset_t mask, old;
  sigfillset(&mask);
  sigprocmask(SIG_SETMASK, &mask, &old);
  signal(SIGTERM, SIG_IGN);
  output_of("exec sed -n '/Sig[BIC][lg][knt]/p' /proc/self/status >&3", text,
            sizeof text);
  signal(SIGTERM, SIG_DFL);
  sigprocmask(SIG_SETMASK, &old, NULL);
  assert_string_equal(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
                            "SigCgt:\t0000000000000000\n");
}

static volatile int n_signals;

static void count_signal(int number) {
  (void)number;
  n_signals++;
}

static void test_no_child(void **state) {
  (void)state;
  char text[16];
  signal(SIGCHLD, count_signal);
  output_of("exit 3", text, sizeof text);
  signal(SIGCHLD, SIG_IGN);
  output_of("exit 4", text, sizeof text);
  signal(SIGCHLD, SIG_DFL);
  assert_int_equal(n_signals, 0);
  assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
  assert_int_equal(errno, ECHILD);
}

static void test_failures(void **state) {
  (void)state;
  char *argv[] = {(char *)"x", NULL};
  struct mc_detach what = {"/nowhere/at/all", argv, environ, NULL, 0};
  pid_t pid = 1;
  int pidfd = -1, next = dup(0);
  close(next);
  assert_int_equal(mc_detach_start(&what, &pid, &pidfd), -ENOENT);
  what.path = "/etc/passwd";
  assert_int_equal(mc_detach_start(&what, &pid, &pidfd), -EACCES);
  int closed = 900; /* none is there */
  what.path = "/bin/true";
  what.fds = &closed;
  what.n_fds = 1;
  assert_int_equal(mc_detach_start(&what, &pid, &pidfd), -EBADF);
  assert_int_equal(pidfd, -1);
  int after = dup(0); /* no descriptor is left */
  assert_int_equal(after, next);
  close(after);
}

static void test_kill(void **state) {
  (void)state;
  char *argv[] = {(char *)"sleep", (char *)"1000", NULL};
  struct mc_detach what = {"/bin/sleep", argv, environ, NULL, 0};
  pid_t pid;
  int pidfd;
  assert_int_equal(mc_detach_start(&what, &pid, &pidfd), 0);
  assert_false(ended(pidfd, 0));
  assert_int_not_equal(getpgid(pid), getpgid(0));
  mc_pidfd_kill(pidfd);
  assert_true(ended(pidfd, 10000));
  mc_pidfd_collect(pidfd);
  close(pidfd);
}

static void test_adopted(void **state) {
  (void)state;
  int self = mc_pidfd_open(getpid());
  assert_true(self >= 0);
  assert_false(ended(self, 0));
  close(self);
  assert_int_equal(mc_pidfd_open(0), -EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_descriptors), cmocka_unit_test(test_signals),
      cmocka_unit_test(test_no_child),    cmocka_unit_test(test_failures),
      cmocka_unit_test(test_kill),        cmocka_unit_test(test_adopted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
