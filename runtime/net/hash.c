#include "net/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL /* its header alone: the binary needs no further library */
#include <xxhash.h>

#define BUFFER ((size_t)256 << 10)

static int feed(int fd, XXH3_state_t *state, char *buffer, mc_copy_stop *stop,
                void *data) {
  for (;;) {
    if (stop && stop(data))
      return -ECANCELED;
    ssize_t n = read(fd, buffer, BUFFER);
    if (n == 0)
      return 0;
    if (n > 0)
      XXH3_128bits_update(state, buffer, (size_t)n);
    else if (errno != EINTR)
      return -errno;
  }
}

static int hash(int fd, mc_copy_stop *stop, void *data, char *digits) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return -errno;
  if (S_ISDIR(info.st_mode))
    return -EISDIR;
  XXH3_state_t *state = XXH3_createState();
  char *buffer = malloc(BUFFER);
  int error = -ENOMEM;
  if (state && buffer) {
    XXH3_128bits_reset(state);
    error = feed(fd, state, buffer, stop, data);
  }
  if (!error) {
    XXH128_hash_t result = XXH3_128bits_digest(state);
    snprintf(digits, MC_FS_HASH_LENGTH + 1, "%016llx%016llx",
             (unsigned long long)result.high64, (unsigned long long)result.low64);
  }
  free(buffer);
  XXH3_freeState(state);
  return error;
}

int mc_fs_hash_file(const char *path, mc_copy_stop *stop, void *data,
                    char digits[MC_FS_HASH_LENGTH + 1]) {
  /* Non-blocking, or a pipe without a writer would hold us here. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return -errno;
  int error = hash(fd, stop, data, digits);
  close(fd);
  return error;
}
