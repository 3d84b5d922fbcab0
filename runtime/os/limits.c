#include "os/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define RESERVE   ((rlim_t)1 << 20) /* bytes: between the soft and the hard limit */
#define MOST_DATA ((rlim_t)1 << 40) /* pages, more than a process can have */

static bool reserve_kept;

/* Lowers one limit. What is lower already stays so: a hard limit can't be raised. */
static int lower(int which, rlim_t soft, rlim_t hard) {
  struct rlimit old;
  if (getrlimit(which, &old) != 0)
    return -errno;
  if (hard > old.rlim_max)
    hard = old.rlim_max;
  if (soft > old.rlim_cur)
    soft = old.rlim_cur;
  if (soft > hard)
    soft = hard;
  struct rlimit new = {soft, hard};
  return setrlimit(which, &new) == 0 ? 0 : -errno;
}

/* Whether one more page can be had below this limit. */
static bool page_fits(rlim_t bytes, rlim_t hard, size_t page) {
  struct rlimit limit = {bytes, hard};
  if (setrlimit(RLIMIT_DATA, &limit) != 0)
    return false;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  void *at = mmap(NULL, page, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (at == MAP_FAILED)
    return false;
  munmap(at, page);
  return true;
}

/* The bytes that count for RLIMIT_DATA now; found by trial, for files may be out of reach
 * of a process that is confined already. */
static int data_bytes(rlim_t *bytes) {
  struct rlimit old;
  if (getrlimit(RLIMIT_DATA, &old) != 0)
    return -errno;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  rlim_t least = 0, most = 4096, end = MOST_DATA; /* in pages */
  if (old.rlim_max != RLIM_INFINITY && old.rlim_max / page < end)
    end = old.rlim_max / page;
  if (most > end)
    most = end;
  while (most < end && !page_fits(most * page, old.rlim_max, page)) {
    least = most + 1;
    most = 2 * most < end ? 2 * most : end;
  }
  while (least < most) {
    rlim_t middle = least + (most - least) / 2;
    if (page_fits(middle * page, old.rlim_max, page))
      most = middle;
    else
      least = middle + 1;
  }
  *bytes = most ? (most - 1) * page : 0;
  return setrlimit(RLIMIT_DATA, &old) == 0 ? 0 : -errno;
}

static int limit_memory(uint64_t bytes) {
  rlim_t now = 0;
  int error = data_bytes(&now);
  if (error)
    return error;
  rlim_t soft = now + bytes;
  error = lower(RLIMIT_DATA, soft, soft + RESERVE);
  reserve_kept = !error;
  return error;
}

static bool is_taken(int fd, const int *closing, size_t n_closing) {
  for (size_t i = 0; i < n_closing; i++)
    if (fd == closing[i])
      return false;
  return fcntl(fd, F_GETFD) >= 0;
}

/* The limit is the number below which just `n` descriptors are free. */
static int limit_files(uint32_t n, const int *closing, size_t n_closing) {
  struct rlimit old;
  if (getrlimit(RLIMIT_NOFILE, &old) != 0)
    return -errno;
  rlim_t next = 0;
  for (uint32_t free = 0; next < old.rlim_cur; next++) {
    if (!is_taken((int)next, closing, n_closing) && free++ == n)
      break;
  }
  return lower(RLIMIT_NOFILE, next, next);
}

static int limit_cpu(uint32_t seconds) {
  signal(SIGXCPU, SIG_DFL); /* a parent that ignores it is not meant */
  return lower(RLIMIT_CPU, seconds, (rlim_t)seconds + 1);
}

int mc_limits_enter(const struct mc_limits *limits, const int *closing,
                    size_t n_closing) {
  int error = 0;
  if (limits->memory)
    error = limit_memory(limits->memory);
  if (!error && limits->cpu)
    error = limit_cpu(limits->cpu);
  if (!error && limits->files_limited)
    error = limit_files(limits->files, closing, n_closing);
  return error;
}

void mc_limits_give_reserve(void) {
  struct rlimit limit;
  if (!reserve_kept || getrlimit(RLIMIT_DATA, &limit) != 0)
    return;
  reserve_kept = false;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_DATA, &limit);
}

int mc_memory_gauge_open(void) {
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

uint64_t mc_memory_gauge_read(int gauge) {
  char text[128], *at = text;
  ssize_t n = pread(gauge, text, sizeof text - 1, 0);
  if (n <= 0)
    return 0;
  text[n] = 0;
  strtoull(at, &at, 10); /* the whole address space */
  uint64_t resident = strtoull(at, &at, 10);
  uint64_t shared = strtoull(at, &at, 10);
  return resident > shared ? (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
