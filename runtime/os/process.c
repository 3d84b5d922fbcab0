#include "os/process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* As exec does it: what is ignored stays ignored, what has a handler gets the default. */
static void reset_signals(enum mc_signals signals) {
  struct sigaction action, reset = {.sa_handler = SIG_DFL};
  for (int i = 1; i < NSIG; i++)
    if (sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_IGN &&
        action.sa_handler != SIG_DFL)
      sigaction(i, &reset, NULL);
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

  fflush(NULL);
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &old);
  pid_t pid = fork();
  if (pid) {
    int error = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    return pid < 0 ? -error : pid;
  }
  /* The parent may be gone before the request is in: then nobody would ever kill us. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(1);
  reset_signals(signals);
  struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  return 0;
}

void mc_unblock_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void mc_exit_now(int status) {
  fflush(NULL);
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
