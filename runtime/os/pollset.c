#include "os/pollset.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int mc_pollset_open(void) {
  int set = epoll_create1(EPOLL_CLOEXEC);
  return set < 0 ? -errno : set;
}

static int control(int set, int operation, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  return epoll_ctl(set, operation, fd, &event) ? -errno : 0;
}

int mc_pollset_add(int set, int fd) {
  return control(set, EPOLL_CTL_ADD, fd, EPOLLIN);
}

int mc_pollset_want_room(int set, int fd, bool room) {
  return control(set, EPOLL_CTL_MOD, fd, EPOLLIN | (room ? (uint32_t)EPOLLOUT : 0));
}

void mc_pollset_remove(int set, int fd) {
  control(set, EPOLL_CTL_DEL, fd, 0);
}

int mc_flag_open(void) {
  int flag = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return flag < 0 ? -errno : flag;
}

void mc_flag_raise(int flag) {
  uint64_t one = 1;
  ssize_t put = write(flag, &one, sizeof one); /* full means that it is up */
  (void)put;
}

void mc_flag_lower(int flag) {
  uint64_t count;
  ssize_t got = read(flag, &count, sizeof count);
  (void)got;
}
