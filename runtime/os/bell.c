#include "os/bell.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PREFIX "mooncrew-"
#define DIGITS 16

static char *put_hex(char *at, uint64_t number) {
  for (int i = DIGITS; i-- > 0; number >>= 4)
    at[i] = "0123456789abcdef"[number & 15];
  return at + DIGITS;
}

/* Not by snprintf, which takes 1,300 instructions: this is done for each wake-up. */
static socklen_t name_of(struct sockaddr_un *name, uint64_t id, uint64_t number) {
  char *at = name->sun_path;
  name->sun_family = AF_UNIX;
  *at++ = '\0'; /* makes the name abstract */
  memcpy(at, PREFIX, sizeof PREFIX - 1);
  at = put_hex(at + sizeof PREFIX - 1, id);
  *at++ = '-';
  at = put_hex(at, number);
  return (socklen_t)(at - (char *)name);
}

int mc_bell_open(uint64_t id, uint64_t number) {
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

void mc_bell_send(int *sender, uint64_t id, uint64_t number) {
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
