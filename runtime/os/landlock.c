/* Headers of a distribution are older than the kernels that it may run on, so what came
 * after the first version is written down here. */
#include "os/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ACCESS_REFER     ((uint64_t)1 << 13) /* version 2: rename between folders */
#define ACCESS_TRUNCATE  ((uint64_t)1 << 14) /* version 3 */
#define ACCESS_IOCTL_DEV ((uint64_t)1 << 15) /* version 5 */

#define NET_BIND_TCP    ((uint64_t)1 << 0) /* version 4 */
#define NET_CONNECT_TCP ((uint64_t)1 << 1)

#define SCOPE_SIGNAL ((uint64_t)1 << 1) /* version 6 */

/* Of version 6; older kernels take the part that they know. */
struct attributes {
  uint64_t fs, net, scoped;
};

static const uint64_t of_files =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
    LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV;

static const uint64_t reading = LANDLOCK_ACCESS_FS_EXECUTE |
                                LANDLOCK_ACCESS_FS_READ_FILE |
                                LANDLOCK_ACCESS_FS_READ_DIR;

/* No device files: with root's rights they would lead past every path. */
static const uint64_t writing =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | ACCESS_REFER |
    ACCESS_TRUNCATE | ACCESS_IOCTL_DEV;

/* Every kind of access that this version controls. */
static uint64_t controlled(int abi) {
  uint64_t bits = ACCESS_REFER - 1;
  if (abi >= 2)
    bits |= ACCESS_REFER;
  if (abi >= MC_LANDLOCK_TRUNCATE)
    bits |= ACCESS_TRUNCATE;
  if (abi >= 5)
    bits |= ACCESS_IOCTL_DEV;
  return bits;
}

int mc_landlock_abi(void) {
  long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
                     LANDLOCK_CREATE_RULESET_VERSION);
  return abi >= 0 ? (int)abi : -errno;
}

int mc_landlock_begin(int abi, bool network) {
  struct attributes all = {.fs = controlled(abi)};
  size_t size = offsetof(struct attributes, net);
  if (abi >= 4) {
    all.net = network ? 0 : NET_BIND_TCP | NET_CONNECT_TCP;
    size = offsetof(struct attributes, scoped);
  }
  /* Abstract sockets are not scoped: the runtime's bells are some. */
  if (abi >= 6) {
    all.scoped = SCOPE_SIGNAL;
    size = sizeof all;
  }
  long rules = syscall(SYS_landlock_create_ruleset, &all, size, 0);
  return rules >= 0 ? (int)rules : -errno; /* it is closed on exec */
}

int mc_landlock_allow(int rules, int abi, const char *path, bool write) {
  struct stat entry;
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  int error = fstat(fd, &entry) ? -errno : 0;
  if (!error) {
    struct landlock_path_beneath_attr rule = {
        .parent_fd = fd, .allowed_access = (write ? writing : reading) & controlled(abi)};
    if (!S_ISDIR(entry.st_mode))
      rule.allowed_access &= of_files;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
      error = -errno;
  }
  close(fd);
  return error;
}

int mc_landlock_enter(int rules) {
  return syscall(SYS_landlock_restrict_self, rules, 0) ? -errno : 0;
}
