#include "os/line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

static bool takes_pieces(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

/* Where there are no locks, or a signal comes, lines are written without. */
static void set_lock(int fd, short type) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
  (void)fcntl(fd, F_SETLKW, &lock);
}

/* Others may have made the descriptor one that does not wait. */
static bool await_room(int fd) {
  struct pollfd wanted = {.fd = fd, .events = POLLOUT};
  return poll(&wanted, 1, -1) > 0;
}

static bool write_all(int fd, const char *text, size_t n) {
  for (size_t done = 0; done < n;) {
    ssize_t wrote = write(fd, text + done, n - done);
    if (wrote >= 0)
      done += (size_t)wrote;
    else if (errno == EAGAIN ? !await_room(fd) && done == 0 : errno != EINTR || done == 0)
      return false;
  }
  return true;
}

bool mc_line_write(FILE *file, const char *text, size_t n) {
  int fd = fflush(file) == 0 ? fileno(file) : -1;
  if (fd < 0) /* no descriptor of the system's, but one that is made up */
    return fwrite(text, 1, n, file) == n && fflush(file) == 0;
  if (!takes_pieces(fd))
    return write_all(fd, text, n);
  set_lock(fd, F_WRLCK);
  bool done = write_all(fd, text, n);
  set_lock(fd, F_UNLCK);
  return done;
}
