#include "os/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER ((size_t)256 << 10)

/* The first byte at or after `at` that is data in either file; `end` when none is before
 * it. */
static int next_in_either(int a, int b, uint64_t at, uint64_t end, uint64_t *found) {
  off_t first = lseek(a, (off_t)at, SEEK_DATA);
  int error = first < 0 ? errno : 0;
  off_t second = lseek(b, (off_t)at, SEEK_DATA);
  if (!error && second < 0)
    error = errno;
  if (error && error != ENXIO && error != EINVAL)
    return -error;
  uint64_t next = end;
  if (first >= 0 && (uint64_t)first < next)
    next = (uint64_t)first;
  if (second >= 0 && (uint64_t)second < next)
    next = (uint64_t)second;
  *found = error == EINVAL ? at : next; /* EINVAL: holes are not told here */
  return 0;
}

/* Reads up to `n` bytes, fewer only at the end of the file. */
static ssize_t read_at(int fd, char *buffer, size_t n, uint64_t at) {
  size_t had = 0;
  while (had < n) {
    ssize_t got = pread(fd, buffer + had, n - had, (off_t)(at + had));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -errno;
    if (got == 0)
      break;
    had += (size_t)got;
  }
  return (ssize_t)had;
}

static int compare(int a, int b, uint64_t at, uint64_t end, char *buffers,
                   mc_copy_stop *stop, void *data) {
  while (at < end) {
    if (stop && stop(data))
      return -ECANCELED;
    int error = next_in_either(a, b, at, end, &at);
    if (error)
      return error;
    size_t want = end - at < BUFFER ? (size_t)(end - at) : BUFFER;
    ssize_t n = read_at(a, buffers, want, at);
    ssize_t m = n < 0 ? n : read_at(b, buffers + BUFFER, want, at);
    if (m < 0)
      return (int)m;
    if (n != m || memcmp(buffers, buffers + BUFFER, (size_t)n) != 0)
      return 0;
    if ((size_t)n < want)
      return 1; /* both end here */
    at += (uint64_t)n;
  }
  return 1;
}

int mc_same_data(int a, int b, uint64_t offset, uint64_t length, mc_copy_stop *stop,
                 void *data) {
  uint64_t room = (uint64_t)INT64_MAX - offset;
  char *buffers = malloc(2 * BUFFER);
  if (!buffers)
    return -ENOMEM;
  int same = compare(a, b, offset, offset + (length < room ? length : room), buffers,
                     stop, data);
  free(buffers);
  return same;
}
