/* Tasks beside other work of one thread, in a loop with epoll or, with the word "poll",
 * in one with poll. A timer of the program's own ticks meanwhile. */
#define _POSIX_C_SOURCE 200809L
#include <mooncrew.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { TASKS = 20, TICKS = 5 };

static int done, ticks;

static void on_done(void *data, mooncrew_task task, const mooncrew_values *results,
                    const mooncrew_error *error) {
  (void)data, (void)task, (void)results;
  if (error)
    fprintf(stderr, "%s\n", mooncrew_error_message(error));
  done++;
}

/* ---- what the loop calls when a descriptor is readable ---- */

static void on_tasks(mooncrew *runtime) {
  if (mooncrew_dispatch(runtime, 0) < 0)
    exit(1);
}

static void on_tick(int timer) {
  uint64_t count;
  if (read(timer, &count, sizeof count) == sizeof count)
    ticks++;
}

static void run_poll(mooncrew *runtime, int timer) {
  struct pollfd polls[] = {{.fd = mooncrew_poll_fd(runtime), .events = POLLIN},
                           {.fd = timer, .events = POLLIN}};
  while (done < TASKS || ticks < TICKS) {
    poll(polls, 2, -1);
    if (polls[0].revents)
      on_tasks(runtime);
    if (polls[1].revents)
      on_tick(timer);
  }
}

static void run_epoll(mooncrew *runtime, int timer) {
  int set = epoll_create1(EPOLL_CLOEXEC), fd = mooncrew_poll_fd(runtime);
  struct epoll_event tasks = {.events = EPOLLIN, .data.fd = fd};
  struct epoll_event tick = {.events = EPOLLIN, .data.fd = timer};
  if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &tasks) ||
      epoll_ctl(set, EPOLL_CTL_ADD, timer, &tick))
    exit(1);
  while (done < TASKS || ticks < TICKS) {
    struct epoll_event events[2];
    int n = epoll_wait(set, events, 2, -1);
    for (int i = 0; i < n; i++)
      if (events[i].data.fd == fd)
        on_tasks(runtime);
      else
        on_tick(timer);
  }
  close(set);
}

int main(int argc, char *argv[]) {
  mooncrew *runtime = NULL;
  mooncrew_error *error = NULL;
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = on_done;
  int code = mooncrew_open(NULL, &runtime, &error);
  for (int i = 0; i < TASKS && !code; i++)
    code = mooncrew_submit(runtime, "os", "time", NULL, &options, NULL, &error);
  if (code) {
    fprintf(stderr, "%s\n", mooncrew_error_message(error));
    mooncrew_error_free(error);
    return 1;
  }
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  struct itimerspec often = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000};
  timerfd_settime(timer, 0, &often, NULL);
  if (argc > 1 && strcmp(argv[1], "poll") == 0)
    run_poll(runtime, timer);
  else
    run_epoll(runtime, timer);
  printf("%d tasks done, the timer ticked\n", done);
  close(timer);
  mooncrew_close(runtime, 0);
  return 0;
}
