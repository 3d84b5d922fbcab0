/* A host that collects any child in its SIGCHLD handler. The library has none that it
 * could see, and needs none of its signals. */
#define _POSIX_C_SOURCE 200809L

#include <mooncrew.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 50, TASKS = 100 };

static volatile sig_atomic_t reaped;
static int done;

static void reap(int number) {
  int saved = errno;
  (void)number;
  while (waitpid(-1, NULL, WNOHANG) > 0)
    reaped = reaped + 1;
  errno = saved;
}

static void on_done(void *data, mooncrew_task task, const mooncrew_values *results,
                    const mooncrew_error *error) {
  (void)data, (void)task, (void)results;
  done += error == NULL;
}

int main(void) {
  mooncrew *runtime = NULL;
  struct sigaction action = {.sa_handler = reap, .sa_flags = SA_RESTART};
  sigaction(SIGCHLD, &action, NULL);
  if (mooncrew_open(NULL, &runtime, NULL))
    return 1;
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = on_done;
  for (int i = 0; i < TASKS; i++) {
    mooncrew_submit(runtime, "os", "time", NULL, &options, NULL, NULL);
    if (i < CHILDREN && fork() == 0)
      _exit(0);
  }
  mooncrew_close(runtime, 60000); /* waits for the tasks */

  sigset_t none, child;
  sigemptyset(&none);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  while (reaped < CHILDREN)
    sigsuspend(&none);
  printf("%d children reaped, %d tasks done\n", (int)reaped, done);
  return !(reaped == CHILDREN && done == TASKS);
}
