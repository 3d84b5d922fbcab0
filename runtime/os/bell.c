#include "os/bell.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static socklen_t name_of(struct sockaddr_un *name, uint64_t id, uint32_t number) {
  memset(name, 0, sizeof(*name));
  name->sun_family = AF_UNIX;
  /* The leading zero byte makes the name abstract. */
  int n = snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "mooncrew-%016llx-%u",
                   (unsigned long long)id, number);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

int mc_bell_open(uint64_t id, uint32_t number) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  struct sockaddr_un name;
  socklen_t length = name_of(&name, id, number);
  if (bind(fd, (struct sockaddr *)&name, length) == 0)
    return fd;
  int error = -errno;
  close(fd);
  return error;
}

int mc_bell_open_sender(int *sender) {
  if (*sender < 0)
    *sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return *sender < 0 ? -errno : 0;
}

void mc_bell_send(int *sender, uint64_t id, uint32_t number) {
  if (mc_bell_open_sender(sender))
    return;
  struct sockaddr_un name;
  socklen_t length = name_of(&name, id, number);
  while (sendto(*sender, "", 1, MSG_NOSIGNAL, (struct sockaddr *)&name, length) < 0 &&
         errno == EINTR)
    ;
}

void mc_bell_drain(int bell) {
  char byte;
  while (recv(bell, &byte, 1, MSG_TRUNC) >= 0 || errno == EINTR)
    ;
}

void mc_bell_close(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}
