#include "os/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* libc's other name for clone(): ThreadSanitizer takes that one for a fork. */
extern int __clone(int (*body)(void *), void *stack, int flags, void *data, ...);

#define STACK   65536 /* bytes, of each clone */
#define ASIDE   16    /* where descriptors are put before they get their numbers */
#define MAX_FDS 4

struct start {
  const struct mc_detach *what;
  unsigned char *stack; /* the program's; the go-between's lies above */
  pid_t pid;
  int pidfd;
  volatile int error;
};

/* What runs in a clone makes system calls only, without libc's wrappers, and is hidden
 * from sanitizers: what those and libc keep of stacks and threads is the caller's too. */
#define IN_CLONE __attribute__((no_sanitize_address, no_sanitize_thread))

#define SIGNAL_BYTES 8 /* of the kernel's set of signals */

IN_CLONE static void default_signals(void) {
  static const unsigned long nothing[16]; /* SIG_DFL, no flags, an empty mask */
  for (int i = 1; i < NSIG; i++)
    syscall(SYS_rt_sigaction, i, nothing, NULL, SIGNAL_BYTES);
}

IN_CLONE static void no_signals_blocked(void) {
  static const unsigned long none[2];
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL, SIGNAL_BYTES);
}

/* 0 or a negated errno. First to high numbers, so that none is overwritten. */
IN_CLONE static int place_descriptors(const struct mc_detach *what) {
  long aside[MAX_FDS];
  long null = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);
  if (null < 0 || (null > 0 && syscall(SYS_dup3, null, 0, 0) < 0))
    return -errno;
  for (int i = 0; i < what->n_fds; i++)
    if ((aside[i] = syscall(SYS_fcntl, what->fds[i], F_DUPFD, ASIDE)) < 0)
      return -errno;
  for (int i = 0; i < what->n_fds; i++)
    if (syscall(SYS_dup3, aside[i], MC_DETACH_FIRST + i, 0) < 0)
      return -errno;
  unsigned first = (unsigned)(MC_DETACH_FIRST + what->n_fds);
  return syscall(SYS_close_range, first, ~0U, 0) ? -errno : 0;
}

/* The program, to be: shares the caller's memory, and does not return. */
IN_CLONE static int run_program(void *data) {
  struct start *start = data;
  default_signals(); /* of this process alone; before any of them is let in */
  syscall(SYS_setsid);
  start->error = place_descriptors(start->what);
  if (!start->error) {
    no_signals_blocked();
    syscall(SYS_execve, start->what->path, start->what->argv, start->what->env);
    start->error = -errno;
  }
  return (int)syscall(SYS_exit_group, 127);
}

IN_CLONE static int go_between(void *data) {
  struct start *start = data;
  pid_t pid =
      __clone(run_program, start->stack + STACK,
              CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, start, &start->pidfd);
  if (pid < 0)
    start->error = -errno;
  else
    start->pid = pid;
  return (int)syscall(SYS_exit_group, 0);
}

int mc_detach_start(const struct mc_detach *what, pid_t *pid, int *pidfd) {
  sigset_t all, old;
  unsigned char *stacks = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stacks == MAP_FAILED)
    return -errno;
  struct start start = {.what = what, .stack = stacks, .pidfd = -1};
  /* A handler of the host must not run in a process that is not the host. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  /* The descriptors are shared, so that the program's pidfd becomes the caller's. */
  pid_t between = __clone(go_between, stacks + 2 * (size_t)STACK,
                          CLONE_VM | CLONE_VFORK | CLONE_FILES, &start);
  int error = between < 0 ? -errno : 0;
  if (!error)
    while (waitpid(between, NULL, __WALL) < 0 && errno == EINTR)
      ;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  munmap(stacks, 2 * STACK);
  if (!error)
    error = start.error;
  if (error) {
    if (start.pidfd >= 0) {
      mc_pidfd_collect(start.pidfd);
      close(start.pidfd);
    }
    return error;
  }
  *pid = start.pid;
  *pidfd = start.pidfd;
  return 0;
}

int mc_pidfd_open(pid_t pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : fd;
}

void mc_pidfd_kill(int pidfd) {
  syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

void mc_pidfd_collect(int pidfd) {
  siginfo_t info;
  while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL) < 0 &&
         errno == EINTR)
    ;
}
