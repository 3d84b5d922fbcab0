#include "os/process.h"
#include "os/signals.h"

#include "os/screen.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_signals(enum mc_signals signals) {
  mc_signals_reset();
  if (signals >= MC_SIGNALS_IGNORE_TERMINAL) {
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
  }
  if (signals >= MC_SIGNALS_IGNORE_ALL) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
  }
}

pid_t mc_fork(enum mc_signals signals) {
  sigset_t all, old;
  pid_t parent = getpid();

  mc_screen_share();
  fflush(NULL);
  mc_signals_note();
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &old);
  pid_t pid = fork();
  if (pid) {
    int error = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    return pid < 0 ? -error : pid;
  }
  /* Calls go by syscall(): each new part of the C library that a child runs is a page
   * fault, which costs ten times what such a call does.
   * The parent may be gone before the request is in: then nobody would ever kill us. */
  syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != parent)
    _exit(1);
  mc_screen_forked();
  set_signals(signals);
  const uint64_t no_core[] = {0, 0};
  syscall(SYS_prlimit64, 0, RLIMIT_CORE, no_core, NULL);
  return 0;
}

void mc_unblock_signals(void) {
  const uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

_Noreturn void mc_exit_now(int status) {
  fflush(NULL);
  mc_screen_leave();
  _exit(status);
}

bool mc_collect(pid_t pid, bool block, int *code) {
  int status;
  pid_t got;
  do
    got = waitpid(pid, &status, block ? 0 : WNOHANG);
  while (got < 0 && errno == EINTR);
  if (got == 0)
    return false;
  if (got < 0) {
    *code = INT_MIN;
    return false;
  }
  *code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  return true;
}

unsigned mc_thread_count(void) {
  struct stat tasks;
  /* a folder has a link from each folder in it, and two more */
  return stat("/proc/self/task", &tasks) == 0 ? (unsigned)tasks.st_nlink - 2 : 0;
}

static volatile sig_atomic_t sigterm_flag;

static void on_sigterm(int number) {
  (void)number;
  sigterm_flag = 1;
}

void mc_catch_sigterm(void) {
  sigterm_flag = 0;
  struct sigaction action = {.sa_handler = on_sigterm};
  sigaction(SIGTERM, &action, NULL);
}

bool mc_sigterm_came(void) {
  return sigterm_flag;
}
