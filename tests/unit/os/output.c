/* Captures: what a process writes while it captures, read by who made the files. */
#include "os/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct mc_capture capture;

static int make(void **state) {
  (void)state;
  return mc_capture_create(&capture);
}

static int destroy(void **state) {
  (void)state;
  mc_capture_destroy(&capture);
  return capture.files[MC_STDOUT] != -1;
}

static void assert_caught(enum mc_stream stream, uint64_t limit, const char *expected) {
  struct mc_buffer text = {0};
  assert_true(mc_capture_read(&capture, stream, limit, &text));
  assert_int_equal(text.length, strlen(expected));
  assert_memory_equal(text.data, expected, text.length);
  mc_buffer_free(&text);
}

static void write_to(int fd, const char *text) {
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void keeps_the_streams_apart_and_gives_them_back(void **state) {
  (void)state;
  struct stat before, after;
  assert_int_equal(fstat(STDOUT_FILENO, &before), 0);
  assert_int_equal(mc_capture_begin(&capture), 0);
  fputs("by stdio, ", stdout);
  write_to(STDOUT_FILENO, "by write, ");
  fputs("by a program\n", stdout);
  write_to(STDERR_FILENO, "error");
  mc_capture_end(&capture);
  mc_capture_end(&capture);
  assert_int_equal(fstat(STDOUT_FILENO, &after), 0);
  assert_true(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
  assert_caught(MC_STDOUT, 100, "by stdio, by write, by a program\n");
  assert_caught(MC_STDERR, 100, "error");
}

static void begins_empty_each_time(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(mc_capture_begin(&capture), 0);
    write_to(STDOUT_FILENO, "once");
    mc_capture_end(&capture);
    assert_caught(MC_STDOUT, 100, "once");
    assert_caught(MC_STDERR, 100, "");
  }
}

static void outlives_who_wrote(void **state) {
  (void)state;
  pid_t pid = fork();
  if (pid == 0) {
    if (mc_capture_begin(&capture))
      _exit(1);
    fputs("no end of line", stdout);
    fputs("nor here", stderr);
    abort();
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status));
  assert_caught(MC_STDOUT, 100, "no end of line");
  assert_caught(MC_STDERR, 100, "nor here");
}

static void says_how_much_is_missing(void **state) {
  (void)state;
  assert_int_equal(mc_capture_begin(&capture), 0);
  write_to(STDOUT_FILENO, "0123456789");
  mc_capture_end(&capture);
  assert_caught(MC_STDOUT, 10, "0123456789");
  assert_caught(MC_STDOUT, 9, "012345678\n[1 bytes more]\n");
  assert_caught(MC_STDOUT, 0, "\n[10 bytes more]\n");
}

static void gives_memory_back_while_the_writer_goes_on(void **state) {
  (void)state;
  static char page[1 << 16];
  struct stat status;
  memset(page, 'x', sizeof page);
  assert_int_equal(mc_capture_begin(&capture), 0);
  for (int i = 0; i < 64; i++)
    assert_int_equal(write(STDOUT_FILENO, page, sizeof page), sizeof page);
  mc_capture_trim(&capture, sizeof page);
  write_to(STDOUT_FILENO, "more");
  mc_capture_end(&capture);
  assert_int_equal(fstat(capture.files[MC_STDOUT], &status), 0);
  assert_int_equal(status.st_size, 64 * sizeof page + 4);
  assert_true(status.st_blocks * 512 <= 2 * (long)sizeof page);
  assert_caught(MC_STDOUT, 3, "xxx\n[4194305 bytes more]\n");
}

static void without_files_nothing_is_captured(void **state) {
  (void)state;
  struct mc_capture none = MC_NO_CAPTURE;
  assert_true(mc_capture_begin(&none) < 0);
  mc_capture_end(&none);
  mc_capture_destroy(&none);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(keeps_the_streams_apart_and_gives_them_back, make,
                                      destroy),
      cmocka_unit_test_setup_teardown(begins_empty_each_time, make, destroy),
      cmocka_unit_test_setup_teardown(outlives_who_wrote, make, destroy),
      cmocka_unit_test_setup_teardown(says_how_much_is_missing, make, destroy),
      cmocka_unit_test_setup_teardown(gives_memory_back_while_the_writer_goes_on, make,
                                      destroy),
      cmocka_unit_test(without_files_nothing_is_captured),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
