/* Each case sandboxes a process of its own, whose exit status says what it saw.
 *
 * A kernel without Landlock, or without filters, is this one behind a filter that answers
 * the call as such a kernel does. Where the kernel itself lacks one, the cases that need
 * it are skipped by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/landlock.h"
#include "os/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[256], allowed[280], hidden[280], allowed_file[300], hidden_file[300];

static int status_of(int (*body)(void)) {
  int status;
  pid_t pid = fork();
  if (pid == 0)
    _exit(body());
  assert_true(pid > 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* From here on the kernel answers this call with `error`. */
static void refuse_call(uint32_t number, int error) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof steps / sizeof *steps, steps};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
    _exit(99);
}

static int enter(struct mc_sandbox_options options) {
  struct mc_sandbox sandbox;
  enum mc_sandbox_fault fault;
  const char *path;
  int error = mc_sandbox_prepare(&sandbox, &options, &fault, &path);
  if (error)
    return error;
  error = mc_sandbox_enter(&sandbox);
  mc_sandbox_drop(&sandbox);
  return error;
}

static int enter_with(const char *path, bool write) {
  struct mc_sandbox_path paths[] = {{path, write}};
  return enter((struct mc_sandbox_options){.paths = paths, .n_paths = 1});
}

/* 0 or the errno of a call that gives a descriptor. */
static int outcome(int fd) {
  if (fd < 0)
    return errno;
  close(fd);
  return 0;
}

static int try_open(const char *path, int flags) {
  return outcome(open(path, flags | O_CLOEXEC, 0600));
}

static int try_call(int result) {
  return result < 0 ? errno : 0;
}

#define EXPECT(value, wanted)                                                            \
  do {                                                                                   \
    int got_ = (value);                                                                  \
    if (got_ != (wanted)) {                                                              \
      print_message("line %d: %s is %d\n", __LINE__, #value, got_);                      \
      return 1;                                                                          \
    }                                                                                    \
  } while (0)

static int holds_to_reading(void) {
  char path[300];
  snprintf(path, sizeof path, "%s/new", allowed);
  EXPECT(enter_with(allowed, false), 0);
  EXPECT(try_open(allowed_file, O_RDONLY), 0);
  EXPECT(try_open(allowed, O_RDONLY | O_DIRECTORY), 0);
  EXPECT(try_open(allowed_file, O_WRONLY), EACCES);
  EXPECT(try_open(allowed_file, O_RDONLY | O_TRUNC), EACCES);
  EXPECT(try_open(path, O_WRONLY | O_CREAT), EACCES);
  EXPECT(try_call(mkdir(path, 0700)), EACCES);
  EXPECT(try_call(unlink(allowed_file)), EACCES);
  EXPECT(try_call(truncate(allowed_file, 0)), EACCES);
  EXPECT(try_open(hidden_file, O_RDONLY), EACCES);
  EXPECT(try_open(hidden, O_RDONLY | O_DIRECTORY), EACCES);
  EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
  return 0;
}

static int holds_to_writing(void) {
  char path[300], other[300];
  snprintf(path, sizeof path, "%s/made", allowed);
  snprintf(other, sizeof other, "%s/made", hidden);
  EXPECT(enter_with(allowed, true), 0);
  EXPECT(try_open(path, O_RDWR | O_CREAT), 0);
  EXPECT(try_call(truncate(path, 10)), 0);
  EXPECT(try_call(rename(path, other)), EACCES);
  EXPECT(try_call(link(hidden_file, other)), EACCES);
  EXPECT(try_open(other, O_WRONLY | O_CREAT), EACCES);
  EXPECT(try_call(truncate(hidden_file, 0)), EACCES);
  EXPECT(try_call(chmod(path, 0700)), 0);
  EXPECT(try_call(execl(path, path, (char *)NULL)), EACCES);
  EXPECT(try_call(mknod(other, S_IFCHR | 0600, 0)), EACCES);
  EXPECT(try_call(unlink(path)), 0);
  return 0;
}

static int holds_to_one_file(void) {
  EXPECT(enter_with(allowed_file, true), 0);
  EXPECT(try_open(allowed_file, O_RDWR), 0);
  EXPECT(try_open(allowed, O_RDONLY | O_DIRECTORY), EACCES);
  return 0;
}

static int child_tries(void) {
  EXPECT(try_open(hidden_file, O_RDONLY), EACCES);
  EXPECT(outcome(socket(AF_INET, SOCK_STREAM, 0)), EACCES);
  return 0;
}

static int holds_children_too(void) {
  EXPECT(enter_with(allowed, false), 0);
  /* Another sandbox takes more away, and gives nothing back. */
  EXPECT(status_of(child_tries), 0);
  EXPECT(enter_with(hidden, false), 0);
  EXPECT(try_open(allowed_file, O_RDONLY), EACCES);
  return status_of(child_tries);
}

static int closes_the_network(void) {
  int pair[2];
  int old = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT(enter((struct mc_sandbox_options){0}), 0);
  static const int families[] = {AF_INET, AF_INET6, AF_PACKET, AF_NETLINK, AF_ALG};
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    EXPECT(outcome(socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0)), EACCES);
  EXPECT(outcome(socket(AF_UNIX, SOCK_STREAM, 0)), EACCES);
  EXPECT(outcome(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)), EACCES);
  EXPECT(outcome(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), 0);
  EXPECT(try_call(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)), 0);
  EXPECT(outcome((int)syscall(SYS_io_uring_setup, 1, NULL)), ENOSYS);
  EXPECT(outcome((int)syscall(SYS_bpf, 0, NULL, 0)), EPERM);
  EXPECT(try_call(ioctl(0, TIOCSTI, "x")), EPERM);
  if (mc_landlock_abi() >= 4) { /* a socket of before is no way out either */
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(9)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT(try_call(connect(old, (struct sockaddr *)&name, sizeof name)), EACCES);
    EXPECT(try_call(bind(old, (struct sockaddr *)&name, sizeof name)), EACCES);
  }
  return 0;
}

static int leaves_the_network(void) {
  EXPECT(enter((struct mc_sandbox_options){.network = true}), 0);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT(fd >= 0, 1);
  struct sockaddr_in name = {.sin_family = AF_INET};
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT(try_call(bind(fd, (struct sockaddr *)&name, sizeof name)), 0);
  return 0;
}

#ifdef __x86_64__
static int another_architecture_ends_it(void) {
  EXPECT(enter((struct mc_sandbox_options){.network = true}), 0);
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory"); /* getpid of i386 */
  return result == -ENOSYS ? 2 : 1;
}
#endif

/* What paths alone can't hold on kernels before 6.2. */
static int filter_stops_truncation(void) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  EXPECT(mc_seccomp_enter(&(struct mc_seccomp){.network = true}), 0);
  EXPECT(try_call(truncate(allowed_file, 0)), EACCES);
  EXPECT(try_open(allowed_file, O_RDONLY | O_TRUNC), EACCES);
  EXPECT(try_open(allowed_file, O_ACCMODE | O_TRUNC), EACCES);
  EXPECT((int)syscall(SYS_openat, AT_FDCWD, allowed_file, O_TRUNC) < 0 && errno == EACCES,
         1);
#ifdef SYS_open
  EXPECT((int)syscall(SYS_open, allowed_file, O_TRUNC) < 0 && errno == EACCES, 1);
#endif
  EXPECT(try_open(allowed_file, O_WRONLY | O_TRUNC), 0);
  EXPECT(try_open(allowed_file, O_RDONLY), 0);
  return 0;
}

static int says_that_landlock_is_missing(void) {
  refuse_call(SYS_landlock_create_ruleset, ENOSYS);
  struct mc_sandbox sandbox;
  struct mc_sandbox_path paths[] = {{allowed, false}};
  struct mc_sandbox_options options = {.paths = paths, .n_paths = 1};
  enum mc_sandbox_fault fault = MC_SANDBOX_PATH;
  const char *path = NULL;
  EXPECT(mc_sandbox_prepare(&sandbox, &options, &fault, &path), -ENOSYS);
  EXPECT(fault, MC_SANDBOX_LANDLOCK);
  options.best_effort = true;
  EXPECT(enter(options), 0);
  EXPECT(try_open(hidden_file, O_RDONLY), 0);
  EXPECT(outcome(socket(AF_INET, SOCK_STREAM, 0)), EACCES); /* what can be had is */
  return 0;
}

static int says_that_filters_are_missing(void) {
  refuse_call(SYS_seccomp, ENOSYS);
  struct mc_sandbox sandbox;
  struct mc_sandbox_options options = {0};
  enum mc_sandbox_fault fault = MC_SANDBOX_PATH;
  const char *path = NULL;
  EXPECT(mc_sandbox_prepare(&sandbox, &options, &fault, &path), -ENOSYS);
  EXPECT(fault, MC_SANDBOX_SECCOMP);
  options.best_effort = true;
  EXPECT(enter(options), 0);
  EXPECT(try_open(hidden_file, O_RDONLY), EACCES);
  EXPECT(outcome(socket(AF_INET, SOCK_STREAM, 0)), 0);
  return 0;
}

static int names_a_path_that_is_not_there(void) {
  struct mc_sandbox sandbox;
  char missing[300];
  snprintf(missing, sizeof missing, "%s/missing", folder);
  struct mc_sandbox_path paths[] = {{allowed, false}, {missing, true}};
  struct mc_sandbox_options options = {.paths = paths, .n_paths = 2};
  enum mc_sandbox_fault fault = MC_SANDBOX_LANDLOCK;
  const char *path = NULL;
  int next = open("/dev/null", O_RDONLY);
  close(next);
  EXPECT(mc_sandbox_prepare(&sandbox, &options, &fault, &path), -ENOENT);
  EXPECT(fault == MC_SANDBOX_PATH && path == missing, 1);
  EXPECT(open("/dev/null", O_RDONLY), next); /* nothing was left open */
  options.best_effort = true;
  EXPECT(enter(options), 0);
  EXPECT(try_open(allowed_file, O_RDONLY), 0);
  EXPECT(try_open(hidden_file, O_RDONLY), EACCES);
  return 0;
}

/* More sandboxes in each other than the kernel takes: the last one is refused. */
static int says_that_there_are_too_many(void) {
  struct mc_sandbox_path paths[] = {{"/", true}};
  struct mc_sandbox_options options = {.paths = paths, .n_paths = 1, .network = true};
  int error = 0, n = 0;
  while (!error && n < 100) {
    error = enter(options);
    n++;
  }
  EXPECT(error, -E2BIG);
  return 0;
}

static bool has_landlock, has_filters;

static void expect_all(bool can, int (*const bodies[])(void)) {
  if (!can) {
    print_message("this kernel lacks what the case needs\n");
    skip();
  }
  for (; *bodies; bodies++)
    assert_int_equal(status_of(*bodies), 0);
}

static void test_paths(void **state) {
  (void)state;
  expect_all(has_landlock && has_filters,
             (int (*const[])(void)){holds_to_reading, holds_to_writing, holds_to_one_file,
                                    holds_children_too, names_a_path_that_is_not_there,
                                    says_that_there_are_too_many, NULL});
}

static void test_network(void **state) {
  (void)state;
  expect_all(has_landlock && has_filters,
             (int (*const[])(void)){closes_the_network, leaves_the_network, NULL});
#ifdef __x86_64__
  int status = status_of(another_architecture_ends_it);
  assert_true(status == -SIGSYS || status == -SIGSEGV); /* or the kernel has no i386 */
#endif
}

static void test_truncation(void **state) {
  (void)state;
  expect_all(has_filters, (int (*const[])(void)){filter_stops_truncation, NULL});
}

static void test_kernels_that_lack_something(void **state) {
  (void)state;
  expect_all(has_filters, (int (*const[])(void)){says_that_landlock_is_missing, NULL});
  expect_all(has_landlock && has_filters,
             (int (*const[])(void)){says_that_filters_are_missing, NULL});
}

static void write_text(const char *path) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("text", file);
  fclose(file);
}

static int make_files(void **state) {
  (void)state;
  has_landlock = mc_landlock_abi() > 0;
  has_filters = mc_seccomp_available();
  const char *where = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/mooncrew-unit-XXXXXX", where ? where : "/tmp");
  if (!mkdtemp(folder))
    return -1;
  snprintf(allowed, sizeof allowed, "%s/allowed", folder);
  snprintf(hidden, sizeof hidden, "%s/hidden", folder);
  snprintf(allowed_file, sizeof allowed_file, "%s/file", allowed);
  snprintf(hidden_file, sizeof hidden_file, "%s/file", hidden);
  if (mkdir(allowed, 0700) || mkdir(hidden, 0700))
    return -1;
  write_text(allowed_file);
  write_text(hidden_file);
  return 0;
}

static int remove_files(void **state) {
  (void)state;
  return unlink(allowed_file) || unlink(hidden_file) || rmdir(allowed) || rmdir(hidden) ||
         rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_paths),
      cmocka_unit_test(test_network),
      cmocka_unit_test(test_truncation),
      cmocka_unit_test(test_kernels_that_lack_something),
  };
  return cmocka_run_group_tests(tests, make_files, remove_files);
}
