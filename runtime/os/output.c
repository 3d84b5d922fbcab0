#include "os/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE (64 * 1024)

static char lines[MC_STREAMS][LINE];

void mc_output_flush(void) {
  fflush(stdout);
  fflush(stderr);
}

void mc_output_lines(void) {
  mc_output_flush();
  setvbuf(stdout, lines[MC_STDOUT], _IOLBF, LINE);
  setvbuf(stderr, lines[MC_STDERR], _IOLBF, LINE);
}

/* What is caught is nobody else's, so lines need no care, and a death leaves nothing in a
 * buffer. */
static void write_at_once(void) {
  mc_output_flush();
  setvbuf(stdout, NULL, _IONBF, 0);
  setvbuf(stderr, NULL, _IONBF, 0);
}

int mc_capture_create(struct mc_capture *capture) {
  static const char *const names[] = {"stdout", "stderr"};
  *capture = MC_NO_CAPTURE;
  for (int i = 0; i < MC_STREAMS; i++) {
    capture->files[i] = memfd_create(names[i], MFD_CLOEXEC);
    /* Who opens /dev/stdout anew writes at the end as well. */
    if (capture->files[i] >= 0 && fcntl(capture->files[i], F_SETFL, O_APPEND) == 0)
      continue;
    int error = errno;
    mc_capture_destroy(capture);
    return -error;
  }
  return 0;
}

void mc_capture_destroy(struct mc_capture *capture) {
  for (int i = 0; i < MC_STREAMS; i++) {
    if (capture->files[i] >= 0)
      close(capture->files[i]);
    capture->files[i] = -1;
  }
}

static int fd_of(int stream) {
  return stream == MC_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
}

static void restore(struct mc_capture *capture) {
  for (int i = 0; i < MC_STREAMS; i++) {
    if (capture->saved[i] < 0)
      continue;
    dup2(capture->saved[i], fd_of(i));
    close(capture->saved[i]);
    capture->saved[i] = -1;
  }
}

int mc_capture_begin(struct mc_capture *capture) {
  mc_output_flush();
  for (int i = 0; i < MC_STREAMS; i++) {
    if (capture->files[i] < 0 || ftruncate(capture->files[i], 0))
      return -EMFILE;
    capture->saved[i] = fcntl(fd_of(i), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (capture->saved[i] < 0 || dup2(capture->files[i], fd_of(i)) < 0) {
      int error = errno;
      restore(capture);
      return -error;
    }
  }
  write_at_once();
  return 0;
}

void mc_capture_end(struct mc_capture *capture) {
  if (capture->saved[MC_STDOUT] < 0)
    return;
  mc_output_flush();
  restore(capture);
  mc_output_lines();
}

static uint64_t size_of(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

bool mc_capture_read(const struct mc_capture *capture, enum mc_stream stream,
                     uint64_t limit, struct mc_buffer *to) {
  int fd = capture->files[stream];
  uint64_t size = fd >= 0 ? size_of(fd) : 0;
  uint64_t most = size < limit ? size : limit;
  size_t begin = to->length;
  char piece[16384];
  for (uint64_t at = 0; at < most;) {
    size_t wanted = most - at < sizeof piece ? (size_t)(most - at) : sizeof piece;
    ssize_t n = pread(fd, piece, wanted, (off_t)at);
    if (n <= 0)
      break;
    if (!mc_buffer_append(to, piece, (size_t)n))
      goto no_memory;
    at += (uint64_t)n;
  }
  if (size <= limit)
    return true;
  int n = snprintf(piece, sizeof piece, "\n[%llu bytes more]\n",
                   (unsigned long long)(size - limit));
  if (mc_buffer_append(to, piece, (size_t)n))
    return true;
no_memory:
  to->length = begin;
  return false;
}

void mc_capture_trim(const struct mc_capture *capture, uint64_t limit) {
  for (int i = 0; i < MC_STREAMS; i++) {
    uint64_t size = capture->files[i] >= 0 ? size_of(capture->files[i]) : 0;
    if (size > limit)
      fallocate(capture->files[i], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                (off_t)limit, (off_t)(size - limit));
  }
}
