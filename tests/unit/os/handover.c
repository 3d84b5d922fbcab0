/* A text that comes to a terminal whole, whoever is killed while writing it. */
#include "os/handover.h"
#include "support/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LENGTH 100000 /* more than a terminal takes while nobody reads */

static struct mc_handover *over, *next;
static char text[LENGTH], got[LENGTH + 1];
static struct terminal terminal;

static int make(void **state) {
  (void)state;
  over = mmap(NULL, 2 * sizeof *over, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
              -1, 0);
  next = over + 1;
  for (int i = 0; i < LENGTH; i++)
    text[i] = (char)(' ' + i % 89);
  return over == MAP_FAILED;
}

static void open_terminal(int flags) {
  assert_true(terminal_open(&terminal, flags));
}

static void close_terminal(void) {
  close(terminal.screen);
  close(terminal.end);
}

static pid_t start_writer_of(struct mc_handover *what) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0)
    _exit(mc_handover_write(what, terminal.end) ? 0 : 1);
  return pid;
}

static pid_t start_writer(void) {
  return start_writer_of(over);
}

static size_t read_some(size_t at, size_t most) {
  ssize_t n = read(terminal.screen, got + at, most);
  assert_true(n > 0);
  return (size_t)n;
}

static void read_all(size_t at) {
  while (at < LENGTH)
    at += read_some(at, sizeof got - at);
  struct pollfd more = {.fd = terminal.screen, .events = POLLIN};
  assert_int_equal(poll(&more, 1, 0), 0);
  assert_memory_equal(got, text, LENGTH);
}

static int wait_for(pid_t pid) {
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return status;
}

static void comes_whole_when_writers_are_killed(void **state) {
  (void)state;
  for (size_t most = 100; most < 10000; most *= 3) {
    open_terminal(0);
    assert_true(mc_handover_begin(over, text, LENGTH));
    size_t at = 0;
    for (int i = 0; i < 5; i++) {
      off_t before = over->done;
      pid_t writer = start_writer();
      at += read_some(at, most);
      kill(writer, SIGKILL);
      assert_true(WIFSIGNALED(wait_for(writer)));
      assert_true(over->done >= before && over->done < LENGTH);
    }
    assert_true(over->done > 0 && over->length == LENGTH);
    pid_t last = start_writer();
    read_all(at);
    assert_int_equal(wait_for(last), 0);
    assert_true(mc_handover_end(over));
    assert_int_equal(over->length, 0);
    close_terminal();
  }
}

/* It is in the middle of a call when the text is taken away, and stopped only then. */
static bool stop_now(void *data) {
  pid_t *writer = data, pid = *writer;
  int status;
  *writer = 0;
  if (!pid)
    return true;
  assert_int_equal(over->done, (off_t)1 << 40); /* so it will send nothing more */
  kill(pid, SIGSTOP);
  assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
  assert_true(WIFSTOPPED(status));
  return true;
}

static void is_taken_away_in_the_middle(void **state) {
  (void)state;
  off_t kept = -1;
  open_terminal(0);
  mc_handover_reset(over);
  assert_true(mc_handover_begin(over, text, LENGTH));
  pid_t writer = start_writer(), running = writer;
  size_t at = read_some(0, 100);
  assert_int_equal(mc_handover_take(over, &kept, stop_now, &running), LENGTH);
  assert_true(kept >= (off_t)at && kept < LENGTH);
  assert_true(mc_handover_is_taken(over) && !mc_handover_is_begun(over));
  kill(writer, SIGCONT);
  assert_int_equal(wait_for(writer), 0);
  assert_false(mc_handover_end(over));
  assert_false(mc_handover_begin(over, text, LENGTH));
  mc_handover_reset(next);
  assert_true(mc_handover_inherit(next, over, LENGTH, kept));
  pid_t other = start_writer_of(next);
  read_all(at);
  assert_int_equal(wait_for(other), 0);
  assert_true(mc_handover_end(next));
  mc_handover_reset(over);
  close_terminal();
}

static void waits_for_what_does_not_block(void **state) {
  (void)state;
  open_terminal(O_NONBLOCK);
  assert_true(mc_handover_begin(over, text, LENGTH));
  pid_t writer = start_writer();
  read_all(0);
  assert_int_equal(wait_for(writer), 0);
  assert_true(mc_handover_end(over));
  close_terminal();
}

/* sendfile() refuses such a file. */
static void goes_without_the_kernel_counting(void **state) {
  (void)state;
  int file = memfd_create("appended", MFD_CLOEXEC);
  assert_int_equal(fcntl(file, F_SETFL, O_APPEND), 0);
  assert_true(mc_handover_begin(over, text, LENGTH));
  assert_true(mc_handover_write(over, file));
  assert_true(mc_handover_end(over));
  assert_int_equal(pread(file, got, sizeof got, 0), LENGTH);
  assert_memory_equal(got, text, LENGTH);
  close(file);
}

static void says_what_could_not_be_written(void **state) {
  (void)state;
  int file = open("/dev/full", O_WRONLY | O_CLOEXEC);
  assert_true(mc_handover_begin(over, text, LENGTH));
  assert_false(mc_handover_write(over, file));
  assert_true(mc_handover_end(over));
  close(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comes_whole_when_writers_are_killed),
      cmocka_unit_test(is_taken_away_in_the_middle),
      cmocka_unit_test(waits_for_what_does_not_block),
      cmocka_unit_test(goes_without_the_kernel_counting),
      cmocka_unit_test(says_what_could_not_be_written),
  };
  return cmocka_run_group_tests(tests, make, NULL);
}
