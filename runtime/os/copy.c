#include "os/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Small enough that a stop is heeded within a few milliseconds. */
#define PIECE  ((uint64_t)16 << 20)
#define BUFFER ((size_t)1 << 20)
/* Up to here reading and writing is faster than copy_file_range. */
#define SMALL   ((size_t)64 << 10)
#define FOREVER ((uint64_t)INT64_MAX)

struct copying {
  int from, to;
  mc_copy_stop *stop;
  void *data;
};

static bool is_stopped(const struct copying *copying) {
  return copying->stop && copying->stop(copying->data);
}

/* What copy_file_range says where it can't copy between these two files. */
static bool unsupported(int error) {
  return error == EXDEV || error == ENOSYS || error == EINVAL || error == EOPNOTSUPP ||
         error == EBADF || error == EPERM || error == ETXTBSY;
}

/* Each copier below copies from `*at` to `end`, or to the end of the file if that comes
 * first, and moves `*at` on. */
static int copy_in_kernel(const struct copying *copying, uint64_t *at, uint64_t end) {
  while (*at < end) {
    if (is_stopped(copying))
      return -ECANCELED;
    loff_t in = (loff_t)*at, out = in;
    uint64_t left = end - *at;
    ssize_t n = copy_file_range(copying->from, &in, copying->to, &out,
                                left < PIECE ? left : PIECE, 0);
    if (n == 0)
      return 0;
    if (n > 0)
      *at += (uint64_t)n;
    else if (errno != EINTR)
      return -errno;
  }
  return 0;
}

static int write_at(int fd, const char *bytes, size_t n, uint64_t at) {
  while (n > 0) {
    ssize_t wrote = pwrite(fd, bytes, n, (off_t)at);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0)
      return wrote < 0 ? -errno : -EIO;
    bytes += wrote;
    n -= (size_t)wrote;
    at += (uint64_t)wrote;
  }
  return 0;
}

static int copy_with_buffer(const struct copying *copying, uint64_t *at, uint64_t end,
                            char *buffer, size_t room) {
  while (*at < end) {
    if (is_stopped(copying))
      return -ECANCELED;
    uint64_t left = end - *at;
    ssize_t n = pread(copying->from, buffer, left < room ? left : room, (off_t)*at);
    if (n == 0)
      return 0;
    if (n < 0 && errno == EINTR)
      continue;
    int error = n < 0 ? -errno : write_at(copying->to, buffer, (size_t)n, *at);
    if (error)
      return error;
    *at += (uint64_t)n;
  }
  return 0;
}

static int copy_through_memory(const struct copying *copying, uint64_t *at,
                               uint64_t end) {
  char *buffer = malloc(BUFFER);
  if (!buffer)
    return -ENOMEM;
  int error = copy_with_buffer(copying, at, end, buffer, BUFFER);
  free(buffer);
  return error;
}

static int copy_span(const struct copying *copying, uint64_t start, uint64_t end) {
  uint64_t at = start;
  int error = copy_in_kernel(copying, &at, end);
  if (error && !(at == start && unsupported(-error)))
    return error;
  /* Files of /proc seem empty to copy_file_range, so an empty copy is read once more. */
  return at == start ? copy_through_memory(copying, &at, end) : 0;
}

/* The next byte at or after `at` that is in no hole of the file; `end` when none is
 * before it. */
static int next_data(int fd, uint64_t at, uint64_t end, uint64_t *found) {
  off_t data = lseek(fd, (off_t)at, SEEK_DATA);
  if (data < 0 && errno != ENXIO && errno != EINVAL)
    return -errno;
  if (data < 0)
    *found = errno == ENXIO ? end : at; /* EINVAL: holes are not told here */
  else
    *found = (uint64_t)data < end ? (uint64_t)data : end;
  return 0;
}

static int copy_around_holes(const struct copying *copying, uint64_t at, uint64_t end) {
  while (at < end) {
    int error = next_data(copying->from, at, end, &at);
    if (error || at == end)
      return error;
    off_t hole = lseek(copying->from, (off_t)at, SEEK_HOLE);
    uint64_t stop = hole > (off_t)at && (uint64_t)hole < end ? (uint64_t)hole : end;
    error = copy_span(copying, at, stop);
    if (error)
      return error;
    at = stop;
  }
  return 0;
}

/* Files without holes need no search for them. */
static bool may_have_holes(const struct stat *info) {
  return (uint64_t)info->st_blocks * 512 < (uint64_t)info->st_size;
}

/* Whether the source still has the size that was counted on. Files of /sys end before
 * their size, so what could be read proves nothing. */
static int check_size(int fd, uint64_t size) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return -errno;
  return (uint64_t)info.st_size < size ? -ENODATA : 0;
}

int mc_copy_clone(int from, int to) {
  return ioctl(to, FICLONE, from) == 0 ? 0 : -errno;
}

int mc_copy_data(int from, int to, const struct stat *info, mc_copy_stop *stop,
                 void *data) {
  struct copying copying = {from, to, stop, data};
  if (is_stopped(&copying))
    return -ECANCELED;
  uint64_t size = (uint64_t)info->st_size, at = 0;
  int error;
  if (size > 0 && may_have_holes(info)) {
    error = copy_around_holes(&copying, 0, size);
    if (!error && ftruncate(to, (off_t)size) != 0)
      error = -errno;
  } else if (size > 0 && size <= SMALL) {
    char buffer[SMALL];
    error = copy_with_buffer(&copying, &at, size, buffer, sizeof buffer);
    if (!error && at == size)
      return 0;
  } else {
    error = copy_span(&copying, 0, FOREVER);
  }
  return error ? error : check_size(from, size);
}

int mc_copy_range(int from, int to, uint64_t offset, uint64_t length, mc_copy_stop *stop,
                  void *data) {
  struct copying copying = {from, to, stop, data};
  struct stat info;
  if (length > FOREVER - offset)
    return -EINVAL;
  if (fstat(from, &info) != 0)
    return -errno;
  int error = may_have_holes(&info) ? copy_around_holes(&copying, offset, offset + length)
                                    : copy_span(&copying, offset, offset + length);
  return error ? error : check_size(from, offset + length);
}
