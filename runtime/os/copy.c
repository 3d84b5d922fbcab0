#include "os/copy.h"

#include "os/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

/* Small enough that a stop is heeded within a few milliseconds. */
#define PIECE  ((size_t)16 << 20)
#define BUFFER ((size_t)256 << 10)

/* What copy_file_range says where it can't copy between these two files. */
static bool unsupported(int error) {
  return error == EXDEV || error == ENOSYS || error == EINVAL || error == EOPNOTSUPP ||
         error == EBADF || error == EPERM || error == ETXTBSY;
}

static int copy_in_kernel(int from, int to, bool *nothing, mc_copy_stop *stop,
                          void *data) {
  *nothing = true;
  for (;;) {
    if (stop && stop(data))
      return -ECANCELED;
    ssize_t n = copy_file_range(from, NULL, to, NULL, PIECE, 0);
    if (n == 0)
      return 0;
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -errno;
    *nothing = false;
  }
}

static int copy_through_memory(int from, int to, mc_copy_stop *stop, void *data) {
  char *buffer = malloc(BUFFER);
  if (!buffer)
    return -ENOMEM;
  int error = 0;
  while (!error) {
    if (stop && stop(data)) {
      error = -ECANCELED;
      break;
    }
    ssize_t n = read(from, buffer, BUFFER);
    if (n == 0)
      break;
    if (n > 0)
      error = mc_write_all(to, buffer, (unsigned long)n);
    else if (errno != EINTR)
      error = -errno;
  }
  free(buffer);
  return error;
}

int mc_copy_data(int from, int to, mc_copy_stop *stop, void *data) {
  if (stop && stop(data))
    return -ECANCELED;
  if (ioctl(to, FICLONE, from) == 0)
    return 0;
  bool nothing;
  int error = copy_in_kernel(from, to, &nothing, stop, data);
  if (error && !(nothing && unsupported(-error)))
    return error;
  /* Files of /proc seem empty to copy_file_range, so an empty copy is read once more. */
  return nothing ? copy_through_memory(from, to, stop, data) : 0;
}
