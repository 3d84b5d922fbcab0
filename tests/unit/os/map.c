#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define GIB ((size_t)1 << 30)

/* Kilobytes of shared memory that this process has touched. */
static long shared_kilobytes(void) {
  char line[200];
  long kilobytes = -1;
  FILE *status = fopen("/proc/self/status", "r");
  assert_non_null(status);
  while (fgets(line, sizeof(line), status))
    sscanf(line, "RssShmem: %ld", &kilobytes);
  fclose(status);
  return kilobytes;
}

static void test_reserve_and_commit(void **state) {
  (void)state;
  void *base;
  long before = shared_kilobytes();
  assert_int_equal(mc_map_create(8 * GIB, &base), 0);
  assert_true(shared_kilobytes() - before < 1024); /* reserved is not committed */
  assert_int_equal(mc_map_commit(base, 5 * GIB + 100, 10000), 0);
  char *at = (char *)base + 5 * GIB + 100;
  for (int i = 0; i < 10000; i++)
    assert_int_equal(at[i], 0);
  memset(at, 7, 10000);
  assert_int_equal(mc_map_commit(base, 5 * GIB, 20000), 0); /* keeps what is there */
  assert_int_equal(at[0], 7);
  assert_int_equal(at[9999], 7);
  assert_int_equal(at[10000], 0);
  mc_map_destroy(base, 8 * GIB);
  assert_true(shared_kilobytes() - before < 1024);
}

static void test_child_shares(void **state) {
  (void)state;
  void *base;
  assert_int_equal(mc_map_create(GIB, &base), 0);
  assert_int_equal(mc_map_commit(base, 0, 1), 0);
  pid_t pid = fork();
  if (pid == 0) {
    if (mc_map_commit(base, GIB / 2, 1) != 0)
      _exit(1);
    ((char *)base)[0] = 1;
    ((char *)base)[GIB / 2] = 2; /* committed by the child, after the fork */
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  assert_int_equal(((char *)base)[0], 1);
  assert_int_equal(((char *)base)[GIB / 2], 2);
  mc_map_destroy(base, GIB);
}

static void test_errors(void **state) {
  (void)state;
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit limit = {GIB / 2, GIB / 2};
    void *base;
    setrlimit(RLIMIT_AS, &limit);
    _exit(mc_map_create(GIB, &base) == -ENOMEM ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);

  pid = fork();
  if (pid == 0) {
    struct rlimit limit = {3, 3}; /* no descriptor */
    void *base;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = 3; fd < 20; fd++)
      close(fd);
    _exit(mc_map_create(GIB, &base) == -EMFILE ? 0 : 1);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);

  void *base;
  assert_int_equal(mc_map_create(GIB, &base), 0);
  munmap((char *)base + 8192, 4096); /* where there is nothing to commit */
  assert_int_equal(mc_map_commit(base, 4096, 8192), -ENOMEM);
  mc_map_destroy(base, GIB);
}

/* Smaller files may be made than this mapping is. */
static int use_beside_a_limit(void) {
  struct rlimit limit = {4096, 4096};
  char *base;
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || mc_map_create(GIB, (void **)&base) != 0 ||
      mc_map_commit(base, GIB / 2, 10000) != 0)
    return 1;
  pid_t pid = fork();
  if (pid == 0) {
    base[GIB / 2] = 3;
    _exit(mc_map_commit(base, GIB - 1, 1) == 0 ? 0 : 2);
  }
  int status;
  bool good = waitpid(pid, &status, 0) == pid && status == 0 && base[GIB / 2] == 3;
  mc_map_destroy(base, GIB);
  return good ? 0 : 3;
}

static void test_limit_of_files(void **state) {
  (void)state;
  pid_t pid = fork();
  if (pid == 0)
    _exit(use_beside_a_limit());
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

static void test_memory_total(void **state) {
  (void)state;
  assert_true(mc_memory_total() > 16 << 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reserve_and_commit),
      cmocka_unit_test(test_child_shares),
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_limit_of_files),
      cmocka_unit_test(test_memory_total),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
