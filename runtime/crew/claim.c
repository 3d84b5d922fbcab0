#include "crew/claim.h"

#include "base/error.h"

#include <errno.h>
#include <sys/file.h>

int mc_claim(int fd) {
  if (flock(fd, LOCK_EX | LOCK_NB) == 0)
    return 0;
  return errno == EWOULDBLOCK ? MC_BUSY : -errno;
}

int mc_unclaim(int fd) {
  return flock(fd, LOCK_UN) == 0 ? 0 : -errno;
}
