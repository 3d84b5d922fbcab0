#include "os/handover.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define TAKEN   0x80000000u      /* in `length`: the writer may not go on */
#define NOWHERE ((off_t)1 << 40) /* as `done`: behind the end of any text */

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

static bool swap_done(struct mc_handover *over, off_t old, off_t new) {
  return __atomic_compare_exchange_n(&over->done, &old, new, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}

/* Also true when it is `new` already. */
static bool swap_length(struct mc_handover *over, uint32_t old, uint32_t new) {
  return __atomic_compare_exchange_n(&over->length, &old, new, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST) ||
         old == new;
}

static off_t done_of(const struct mc_handover *over) {
  return __atomic_load_n(&over->done, __ATOMIC_SEQ_CST);
}

static uint32_t length_of(const struct mc_handover *over) {
  return __atomic_load_n(&over->length, __ATOMIC_SEQ_CST);
}

bool mc_handover_is_taken(const struct mc_handover *over) {
  return length_of(over) & TAKEN;
}

bool mc_handover_is_begun(const struct mc_handover *over) {
  uint32_t length = length_of(over);
  return length && !(length & TAKEN);
}

void mc_handover_reset(struct mc_handover *over) {
  __atomic_store_n(&over->done, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&over->length, 0, __ATOMIC_SEQ_CST);
}

bool mc_handover_begin(struct mc_handover *over, const void *text, size_t n) {
  off_t last = done_of(over);
  if (mc_handover_is_taken(over) || last == NOWHERE || !swap_done(over, last, 0))
    return false;
  memcpy(over->text, text, n);
  return swap_length(over, 0, (uint32_t)n);
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
  size_t n = length_of(over) & ~TAKEN;
  int file = file_of(over, n);
  bool going = file >= 0;
  for (size_t done; going && (done = (size_t)done_of(over)) < n;) {
    ssize_t sent = sendfile(fd, file, &over->done, n - done);
    going = sent > 0 || (sent < 0 && may_go_on(fd));
  }
  if (file >= 0)
    close(file);
  size_t done = (size_t)done_of(over);
  return done >= n || mc_handover_is_taken(over) ||
         mc_write_out(fd, over->text + done, n - done);
}

bool mc_handover_end(struct mc_handover *over) {
  uint32_t length = length_of(over);
  return !(length & TAKEN) && swap_length(over, length, 0);
}

/* A sendfile() that was under way when `done` was set sets it once more, at its end. So
 * it is looked at again when the writer makes no call any more. */
size_t mc_handover_take(struct mc_handover *over, off_t *kept,
                        bool (*is_at_rest)(void *data), void *data) {
  uint32_t n = __atomic_fetch_or(&over->length, TAKEN, __ATOMIC_SEQ_CST);
  for (bool at_rest = false; !at_rest || done_of(over) != NOWHERE;) {
    off_t done = done_of(over);
    if (done != NOWHERE) {
      __atomic_store_n(kept, done, __ATOMIC_SEQ_CST);
      swap_done(over, done, NOWHERE);
    }
    at_rest = is_at_rest(data);
  }
  return n & ~TAKEN;
}

bool mc_handover_inherit(struct mc_handover *to, const struct mc_handover *from, size_t n,
                         off_t done) {
  memcpy(to->text, from->text, n);
  off_t last = done_of(to);
  return last != NOWHERE && swap_done(to, last, done) && swap_length(to, 0, (uint32_t)n);
}
