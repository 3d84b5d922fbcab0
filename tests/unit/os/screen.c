/* Lines and bars on a terminal while processes are stopped (SIGSTOP) in the middle of
 * writing them: the others go on, and what comes to the terminal is, byte by byte, what
 * comes when they are stopped behind a page.
 *
 *   the terminal is full: A stands in the middle of a long line │ SIGSTOP │ B … │ SIGCONT
 */
#include "os/screen.h"
#include "os/pages.h"
#include "support/terminal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG   100000 /* bytes; a terminal takes less than a third of it unread */
#define SOME   5000   /* of that are read, and its writer is in the middle of it */
#define MIDDLE 60000  /* more than its writer could get out then, and not yet all */
#define CROWD  MC_PAGES_PLACES

struct output {
  size_t n;
  char bytes[(CROWD + 2) * 2 * LONG];
};

static struct terminal terminal;
static struct output got, expected;

static int open_terminal(void **state) {
  (void)state;
  mc_pages_look = 5;
  assert_true(terminal_open(&terminal, 0));
  int own = dup(STDERR_FILENO);
  assert_int_equal(dup2(terminal.end, STDERR_FILENO), STDERR_FILENO);
  mc_screen_share();
  assert_int_equal(dup2(own, STDERR_FILENO), STDERR_FILENO);
  return close(own);
}

/* ---- processes ---- */

static void say(const char *text, size_t n) {
  mc_screen_write(STDERR_FILENO, text, n);
}

static void say_long(int name) {
  static char line[LONG];
  memset(line, 'a' + name, sizeof line);
  line[sizeof line - 1] = '\n';
  say(line, sizeof line);
}

static pid_t start(void (*body)(int name), int name) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid)
    return pid;
  dup2(terminal.end, STDERR_FILENO);
  mc_screen_forked();
  body(name);
  _exit(0);
}

static int draw_bar(int name) {
  char text[] = {'b', 'a', 'r', ' ', (char)('a' + name)};
  int bar = mc_screen_bar_new();
  mc_screen_bar_draw(bar, text, sizeof text);
  return bar;
}

/* A bar, a long line, which may be the last thing that it does for a while, and more. */
static void write_much(int name, bool stop) {
  int bar = draw_bar(name);
  say_long(name);
  if (stop)
    raise(SIGSTOP);
  say("behind\n", 7);
  mc_screen_bar_end(bar, "end", 3);
}

static void write_and_stop(int name) {
  write_much(name, true);
}

static void write_on(int name) {
  write_much(name, false);
}

static void write_bars(int name) {
  mc_screen_bar_end(draw_bar(name), "end", 3);
  say("END\n", 4);
}

static void write_end(int name) {
  (void)name;
  say("END\n", 4);
}

static void await_end(pid_t pid) {
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void kill_it(pid_t pid) {
  int status;
  assert_int_equal(kill(pid, SIGKILL), 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status));
}

static void await_stop(pid_t pid) {
  int status;
  assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
  assert_true(WIFSTOPPED(status));
}

static void go_on(pid_t pid) {
  assert_int_equal(kill(pid, SIGCONT), 0);
}

/* ---- the terminal ---- */

static void read_some(size_t most) {
  assert_true(got.n + most <= sizeof got.bytes);
  ssize_t n = read(terminal.screen, got.bytes + got.n, most);
  assert_true(n > 0);
  got.n += (size_t)n;
}

static bool ends_with(const char *text) {
  size_t n = strlen(text);
  return got.n >= n && memcmp(got.bytes + got.n - n, text, n) == 0;
}

/* Up to a text, which is the last thing that comes. */
static void read_to(const char *text) {
  while (!ends_with(text))
    read_some(LONG);
}

static bool is_in(const char *text, size_t from) {
  return memmem(got.bytes + from, got.n - from, text, strlen(text)) != NULL;
}

/* Until its long line is on its way. */
static void read_into_line(int name) {
  char begin[] = {(char)('a' + name), (char)('a' + name), (char)('a' + name), 0};
  size_t from = got.n;
  while (!is_in(begin, from))
    read_some(SOME);
}

static void check_same(void) {
  assert_int_equal(got.n, expected.n);
  assert_memory_equal(got.bytes, expected.bytes, got.n);
}

/* Somebody else is in the middle of what was left of it. */
static void read_to_middle(void) {
  while (got.n < MIDDLE)
    read_some(SOME);
}

/* ---- one that is stopped ---- */

/* The writer of a long line, under so many bars: stopped in the middle of it, or, where
 * `behind`, behind it. */
static pid_t stop_writer(int name, bool behind) {
  char end[32] = "", up[16] = "";
  pid_t pid = start(behind ? write_and_stop : write_on, name);
  read_into_line(name);
  if (name > 0)
    snprintf(up, sizeof up, "\33[%dA", name);
  snprintf(end, sizeof end, "bar %c\33[?7h\r%s", 'a' + name, up);
  if (behind)
    read_to(end);
  else
    assert_int_equal(kill(pid, SIGSTOP), 0);
  await_stop(pid);
  return pid;
}

static pid_t begin(bool behind) {
  got.n = 0;
  return stop_writer(0, behind);
}

/* A line of somebody else, while there is the bar of the one that is stopped. */
static void await_line(pid_t pid) {
  read_to("END\n\33[?7lbar a\33[?7h\r");
  await_end(pid);
}

static void let_end(pid_t pid) {
  go_on(pid);
  read_to("end\33[?7h\r\n");
  await_end(pid);
}

static void run_beside(bool behind) {
  pid_t writer = begin(behind);
  await_line(start(write_bars, 1));
  let_end(writer);
}

static void lets_others_go_on(void **state) {
  (void)state;
  run_beside(true);
  expected = got;
  run_beside(false);
  check_same();
}

static void is_finished_by_the_next_when_that_is_killed(void **state) {
  (void)state;
  run_beside(true);
  expected = got;
  pid_t writer = begin(false);
  pid_t other = start(write_end, 1);
  read_to_middle();
  kill_it(other);
  await_line(start(write_bars, 1));
  let_end(writer);
  check_same();
}

static void waits_when_it_goes_on_meanwhile(void **state) {
  (void)state;
  pid_t writer = begin(true);
  await_line(start(write_end, 1));
  let_end(writer);
  expected = got;
  writer = begin(false);
  pid_t other = start(write_end, 1);
  read_to_middle();
  let_end(writer);
  await_end(other);
  check_same();
}

static void is_finished_by_the_next_when_that_is_stopped(void **state) {
  (void)state;
  run_beside(true);
  await_end(start(write_end, 1));
  read_to("END\n");
  expected = got;
  pid_t writer = begin(false);
  pid_t other = start(write_end, 1);
  read_to_middle();
  assert_int_equal(kill(other, SIGSTOP), 0);
  await_stop(other);
  await_line(start(write_bars, 1));
  let_end(writer);
  go_on(other);
  read_to("END\n");
  await_end(other);
  check_same();
}

static void is_finished_when_it_is_killed(void **state) {
  (void)state;
  kill_it(begin(true));
  await_end(start(write_bars, 1));
  read_to("END\n");
  expected = got;
  pid_t writer = begin(false);
  pid_t other = start(write_bars, 1);
  kill_it(writer);
  read_to("END\n");
  await_end(other);
  check_same();
}

/* ---- many that are stopped ---- */

static void stop_crowd(pid_t crowd[CROWD], int n, bool behind) {
  got.n = 0;
  for (int i = 0; i < n; i++)
    crowd[i] = stop_writer(i, behind);
}

/* What they have yet to write is less than the terminal takes. */
static void let_crowd_end(const pid_t crowd[CROWD], int n) {
  for (int i = n - 1; i >= 0; i--) {
    go_on(crowd[i]);
    await_end(crowd[i]);
  }
  read_to("end\33[?7h\r\n");
}

static void await_text(const char *text) {
  while (!is_in(text, 0))
    read_some(LONG);
}

static void run_crowd(int n, bool behind) {
  pid_t crowd[CROWD];
  stop_crowd(crowd, n, behind);
  pid_t last = start(write_end, n);
  await_text("END\n");
  await_end(last);
  let_crowd_end(crowd, n);
}

static void has_many_places(void **state) {
  (void)state;
  run_crowd(CROWD - 1, true);
  expected = got;
  for (int i = 0; i < 3; i++) {
    run_crowd(CROWD - 1, false);
    check_same();
  }
}

/* One more than there are places finds none: it writes, though into a line. */
static void keeps_nobody_when_places_run_out(void **state) {
  (void)state;
  pid_t crowd[CROWD];
  stop_crowd(crowd, CROWD, false);
  pid_t last = start(write_end, CROWD);
  await_text("END\n");
  await_end(last);
  go_on(crowd[CROWD - 1]); /* its line is its own to finish */
  await_text("behind\n");
  let_crowd_end(crowd, CROWD);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lets_others_go_on),
      cmocka_unit_test(is_finished_by_the_next_when_that_is_killed),
      cmocka_unit_test(waits_when_it_goes_on_meanwhile),
      cmocka_unit_test(is_finished_by_the_next_when_that_is_stopped),
      cmocka_unit_test(is_finished_when_it_is_killed),
      cmocka_unit_test(has_many_places),
      cmocka_unit_test(keeps_nobody_when_places_run_out),
  };
  return cmocka_run_group_tests(tests, open_terminal, NULL);
}
