#include "os/handover.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* After a call that failed: whether to try again. */
static bool may_go_on(int fd) {
  if (errno == EAGAIN) {
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    poll(&room, 1, -1);
    return true;
  }
  return errno == EINTR;
}

bool mc_write_out(int fd, const void *bytes, size_t n) {
  const char *at = bytes;
  while (n > 0) {
    ssize_t written = write(fd, at, n);
    if (written < 0 && !may_go_on(fd))
      return false;
    if (written > 0) {
      at += written;
      n -= (size_t)written;
    }
  }
  return true;
}

void mc_handover_begin(struct mc_handover *over, const void *text, size_t n) {
  memcpy(over->text, text, n);
  over->done = 0;
  __atomic_store_n(&over->length, (uint32_t)n, __ATOMIC_RELEASE);
}

/* A file of the text, as sendfile() wants it; -1: none. */
static int file_of(const struct mc_handover *over, size_t n) {
  int file = memfd_create("mooncrew", MFD_CLOEXEC);
  if (file >= 0 && write(file, over->text, n) != (ssize_t)n) {
    close(file);
    return -1;
  }
  return file;
}

bool mc_handover_write(struct mc_handover *over, int fd) {
  size_t n = over->length;
  int file = file_of(over, n);
  bool going = file >= 0;
  while (going && (size_t)over->done < n) {
    ssize_t sent = sendfile(fd, file, &over->done, n - (size_t)over->done);
    going = sent > 0 || (sent < 0 && may_go_on(fd));
  }
  if (file >= 0)
    close(file);
  size_t done = (size_t)over->done;
  return done >= n || mc_write_out(fd, over->text + done, n - done);
}

void mc_handover_end(struct mc_handover *over) {
  __atomic_store_n(&over->length, 0, __ATOMIC_RELEASE);
  __atomic_signal_fence(__ATOMIC_SEQ_CST); /* the next text may overwrite this one */
}
