/* Each case limits a process of its own, whose exit status says what it saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MB ((size_t)1 << 20)

static int status_of(int (*body)(void)) {
  int status;
  pid_t pid = fork();
  if (pid == 0)
    _exit(body());
  assert_true(pid > 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int enter(struct mc_limits limits) {
  return mc_limits_enter(&limits, NULL, 0);
}

/* The MiB that can still be had, a MiB at a time, up to `most`. */
static size_t available(size_t most) {
  size_t n = 0;
  while (n < most && mmap(NULL, MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0) != MAP_FAILED)
    n++;
  return n;
}

static int bounds_memory(void) {
  /* What is there already does not count, and shared memory does not. */
  void *held =
      mmap(NULL, 100 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (held == MAP_FAILED || enter((struct mc_limits){.memory = 32 * MB}))
    return 1;
  size_t n = available(64);
  if (n < 31 || n > 32)
    return 2;
  if (mmap(NULL, 100 * MB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ==
      MAP_FAILED)
    return 3;
  munmap(held, 10 * MB);
  n = available(64);
  if (n < 9 || n > 10)
    return 4;
  mc_limits_give_reserve();
  n = available(64);
  return n == 1 ? 0 : 5;
}

static int never_raises(void) {
  if (enter((struct mc_limits){.memory = 8 * MB, .cpu = 5, .files_limited = true}))
    return 1;
  struct rlimit data, cpu, files, after;
  getrlimit(RLIMIT_DATA, &data);
  getrlimit(RLIMIT_CPU, &cpu);
  getrlimit(RLIMIT_NOFILE, &files);
  struct mc_limits more = {
      .memory = 800 * MB, .cpu = 500, .files = 500, .files_limited = true};
  if (enter(more))
    return 2;
  getrlimit(RLIMIT_DATA, &after);
  if (after.rlim_cur != data.rlim_cur || after.rlim_max != data.rlim_max)
    return 3;
  getrlimit(RLIMIT_CPU, &after);
  if (after.rlim_cur != cpu.rlim_cur || after.rlim_max != cpu.rlim_max)
    return 4;
  getrlimit(RLIMIT_NOFILE, &after);
  return after.rlim_cur == files.rlim_cur && after.rlim_max == files.rlim_max ? 0 : 5;
}

static int gives_no_reserve_of_others(void) {
  struct rlimit limit = {1 << 30, RLIM_INFINITY}, after;
  setrlimit(RLIMIT_DATA, &limit);
  mc_limits_give_reserve();
  getrlimit(RLIMIT_DATA, &after);
  return after.rlim_cur == limit.rlim_cur ? 0 : 1;
}

static int opened(void) {
  int n = 0;
  while (open("/dev/null", O_RDONLY) >= 0)
    n++;
  return errno == EMFILE ? n : -1;
}

static int bounds_descriptors(void) {
  /* With a hole, and two that are about to be closed: one low, one high. */
  int low = open("/dev/null", O_RDONLY);
  int hole = open("/dev/null", O_RDONLY);
  int high = fcntl(low, F_DUPFD, 300);
  close(hole);
  struct mc_limits limits = {.files = 7, .files_limited = true};
  int closing[] = {low, high, -1};
  if (mc_limits_enter(&limits, closing, 3))
    return 1;
  close(low);
  close(high);
  return opened() == 7 ? 0 : 2;
}

static int bounds_descriptors_to_none(void) {
  return enter((struct mc_limits){.files_limited = true}) || opened() != 0;
}

static int bounds_time(void) {
  signal(SIGXCPU, SIG_IGN);
  if (enter((struct mc_limits){.cpu = 1}))
    return 1;
  for (volatile unsigned i = 0;; i++)
    ;
}

static void test_memory(void **state) {
  (void)state;
  assert_int_equal(status_of(bounds_memory), 0);
}

static void test_lowers_only(void **state) {
  (void)state;
  assert_int_equal(status_of(never_raises), 0);
  assert_int_equal(status_of(gives_no_reserve_of_others), 0);
}

static void test_descriptors(void **state) {
  (void)state;
  assert_int_equal(status_of(bounds_descriptors), 0);
  assert_int_equal(status_of(bounds_descriptors_to_none), 0);
}

static void test_time(void **state) {
  (void)state;
  assert_int_equal(status_of(bounds_time), -SIGXCPU);
}

static void test_gauge(void **state) {
  (void)state;
  int gauge = mc_memory_gauge_open();
  assert_true(gauge >= 0);
  assert_true(fcntl(gauge, F_GETFD) & FD_CLOEXEC);
  uint64_t before = mc_memory_gauge_read(gauge);
  assert_true(before > 0);
  char *block =
      mmap(NULL, 20 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *shared =
      mmap(NULL, 20 * MB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(block != MAP_FAILED && shared != MAP_FAILED);
  memset(block, 1, 20 * MB);
  memset(shared, 1, 20 * MB);
  uint64_t after = mc_memory_gauge_read(gauge);
  assert_true(after > before + 18 * MB && after < before + 22 * MB);
  munmap(block, 20 * MB);
  munmap(shared, 20 * MB);
  close(gauge);
  assert_int_equal(mc_memory_gauge_read(gauge), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_memory),      cmocka_unit_test(test_lowers_only),
      cmocka_unit_test(test_descriptors), cmocka_unit_test(test_time),
      cmocka_unit_test(test_gauge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
