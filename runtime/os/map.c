/* The memfd behind the space.
 *
 * Committing populates the pages for writing: that reports exhaustion as an error and
 * needs no descriptor, which scripts could close under our feet. Kernels before 5.14 lack
 * it; there the descriptor is kept (close-on-exec) and fallocate does the same. */
#include "os/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static int kept_fd = -1; /* only where pages can't be populated through their address */

static size_t page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

/* fd -1: a mapping without a file. */
static int map(int fd, size_t size, void **base) {
  int flags = MAP_SHARED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0);
  void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (at == MAP_FAILED)
    return -errno;
  madvise(at, size, MADV_DONTDUMP);
  *base = at;
  return 0;
}

static int map_sealed(int fd, size_t size, void **base) {
  if (ftruncate(fd, (off_t)size) != 0)
    return -errno;
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return -errno;
  return map(fd, size, base);
}

/* A limit to the size of files (ulimit -f) is one of memfds too, which have this size
 * however little of it is used; to go past it would raise a signal. */
static bool may_be_file(size_t size) {
  struct rlimit limit;
  return getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur;
}

static bool can_populate(void *base) {
  return madvise(base, page_size(), MADV_POPULATE_WRITE) == 0 || errno != EINVAL;
}

static int map_nameless(size_t size, void **base) {
  int error = map(-1, size, base);
  if (error || can_populate(*base))
    return error;
  munmap(*base, size);
  return -EFBIG;
}

int mc_map_create(size_t size, void **base) {
  if (!may_be_file(size))
    return map_nameless(size, base);
  int fd = memfd_create("mooncrew", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    return -errno;
  int error = map_sealed(fd, size, base);
  if (error) {
    close(fd);
    return error;
  }
  if (can_populate(*base))
    close(fd);
  else
    kept_fd = fd;
  return 0;
}

int mc_map_commit(void *base, size_t offset, size_t length) {
  size_t page = page_size();
  size_t from = offset & ~(page - 1);
  size_t to = (offset + length + page - 1) & ~(page - 1);
  int rc;
  do {
    if (kept_fd >= 0)
      rc = fallocate(kept_fd, 0, (off_t)from, (off_t)(to - from));
    else
      rc = madvise((char *)base + from, to - from, MADV_POPULATE_WRITE);
  } while (rc != 0 && errno == EINTR);
  if (rc == 0)
    return 0;
  /* A fault that would have been a SIGBUS comes back as EFAULT. */
  return errno == EFAULT ? -ENOMEM : -errno;
}

void mc_map_destroy(void *base, size_t size) {
  munmap(base, size);
  if (kept_fd >= 0)
    close(kept_fd);
  kept_fd = -1;
}

uint64_t mc_memory_total(void) {
  long pages = sysconf(_SC_PHYS_PAGES);
  return pages > 0 ? (uint64_t)pages * page_size() : 0;
}

void *mc_pages_share(size_t size) {
  int flags = MAP_SHARED | MAP_ANONYMOUS;
  void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  return pages == MAP_FAILED ? NULL : pages;
}

void mc_pages_free(void *pages, size_t size) {
  if (pages)
    munmap(pages, size);
}
