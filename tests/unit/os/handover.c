/* A text that comes to a terminal whole, whoever is killed while writing it. */
#include "os/handover.h"

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
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define LENGTH 100000 /* more than a terminal takes while nobody reads */

static struct mc_handover *over;
static char text[LENGTH], got[LENGTH + 1];
static int screen, terminal;

static int make(void **state) {
  (void)state;
  over =
      mmap(NULL, sizeof *over, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < LENGTH; i++)
    text[i] = (char)(' ' + i % 89);
  return over == MAP_FAILED;
}

static void open_terminal(int flags) {
  struct termios raw;
  screen = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  assert_true(screen >= 0);
  assert_int_equal(grantpt(screen), 0);
  assert_int_equal(unlockpt(screen), 0);
  terminal = open(ptsname(screen), O_RDWR | O_NOCTTY | O_CLOEXEC | flags);
  assert_true(terminal >= 0);
  assert_int_equal(tcgetattr(terminal, &raw), 0);
  cfmakeraw(&raw);
  assert_int_equal(tcsetattr(terminal, TCSANOW, &raw), 0);
}

static void close_terminal(void) {
  close(screen);
  close(terminal);
}

static pid_t start_writer(void) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0)
    _exit(mc_handover_write(over, terminal) ? 0 : 1);
  return pid;
}

static size_t read_some(size_t at, size_t most) {
  ssize_t n = read(screen, got + at, most);
  assert_true(n > 0);
  return (size_t)n;
}

static void read_all(size_t at) {
  while (at < LENGTH)
    at += read_some(at, sizeof got - at);
  struct pollfd more = {.fd = screen, .events = POLLIN};
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
    mc_handover_begin(over, text, LENGTH);
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
    mc_handover_end(over);
    assert_int_equal(over->length, 0);
    close_terminal();
  }
}

static void waits_for_what_does_not_block(void **state) {
  (void)state;
  open_terminal(O_NONBLOCK);
  mc_handover_begin(over, text, LENGTH);
  pid_t writer = start_writer();
  read_all(0);
  assert_int_equal(wait_for(writer), 0);
  mc_handover_end(over);
  close_terminal();
}

/* sendfile() refuses such a file. */
static void goes_without_the_kernel_counting(void **state) {
  (void)state;
  int file = memfd_create("appended", MFD_CLOEXEC);
  assert_int_equal(fcntl(file, F_SETFL, O_APPEND), 0);
  mc_handover_begin(over, text, LENGTH);
  assert_true(mc_handover_write(over, file));
  mc_handover_end(over);
  assert_int_equal(pread(file, got, sizeof got, 0), LENGTH);
  assert_memory_equal(got, text, LENGTH);
  close(file);
}

static void says_what_could_not_be_written(void **state) {
  (void)state;
  int file = open("/dev/full", O_WRONLY | O_CLOEXEC);
  mc_handover_begin(over, text, LENGTH);
  assert_false(mc_handover_write(over, file));
  mc_handover_end(over);
  close(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comes_whole_when_writers_are_killed),
      cmocka_unit_test(waits_for_what_does_not_block),
      cmocka_unit_test(goes_without_the_kernel_counting),
      cmocka_unit_test(says_what_could_not_be_written),
  };
  return cmocka_run_group_tests(tests, make, NULL);
}
