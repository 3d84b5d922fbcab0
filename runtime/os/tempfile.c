#include "os/tempfile.h"

#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_TRIES 100

static int check_target(const char *target) {
  if (!*target)
    return -ENOENT;
  struct stat info, behind;
  if (lstat(target, &info) != 0)
    return errno == ENOENT ? 0 : -errno;
  bool link = S_ISLNK(info.st_mode);
  if (S_ISDIR(info.st_mode) ||
      (link && stat(target, &behind) == 0 && S_ISDIR(behind.st_mode)))
    return -EISDIR;
  return S_ISREG(info.st_mode) || link ? 0 : -EEXIST;
}

/* The target's folder, "." when it names none. The caller frees it. */
static char *folder_of(const char *target) {
  const char *slash = strrchr(target, '/');
  if (!slash)
    return strdup(".");
  return strndup(target, slash == target ? 1 : (size_t)(slash - target));
}

/* A fresh name in the folder. It owes nothing to the target's, which may be as long as a
 * name can be. */
static char *fresh_name(const char *folder) {
  size_t room = strlen(folder) + 64;
  char *name = malloc(room);
  if (name)
    snprintf(name, room, "%s/.mooncrew-%ld-%016llx.part", folder, (long)getpid(),
             (unsigned long long)mc_random64());
  return name;
}

/* A nameless file gets its name through /proc alone. Once there, it is taken to stay. */
static bool has_proc(void) {
  static atomic_bool known;
  if (!atomic_load_explicit(&known, memory_order_relaxed) &&
      access("/proc/self/fd", X_OK) == 0)
    atomic_store_explicit(&known, true, memory_order_relaxed);
  return atomic_load_explicit(&known, memory_order_relaxed);
}

static int open_nameless(int at, const char *folder) {
  return has_proc() ? openat(at, folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666) : -1;
}

static int open_named(struct mc_tempfile *file, const char *folder) {
  for (int i = 0; i < NAME_TRIES; i++) {
    char *name = fresh_name(folder);
    if (!name)
      return -ENOMEM;
    int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    file->fd = openat(file->folder, name, flags, 0666);
    if (file->fd >= 0) {
      file->name = name;
      return 0;
    }
    int error = -errno;
    free(name);
    if (error != -EEXIST)
      return error;
  }
  return -EEXIST;
}

int mc_tempfile_open(struct mc_tempfile *file, const char *target) {
  *file = (struct mc_tempfile){.fd = -1};
  int error = check_target(target);
  return error ? error : mc_tempfile_open_at(file, AT_FDCWD, target);
}

int mc_tempfile_open_at(struct mc_tempfile *file, int at, const char *target) {
  *file = (struct mc_tempfile){.fd = -1, .folder = at};
  int error = 0;
  char *folder = folder_of(target);
  file->target = strdup(target);
  if (!folder || !file->target) {
    error = -ENOMEM;
  } else {
    file->fd = open_nameless(at, folder);
    if (file->fd < 0)
      error = open_named(file, folder);
  }
  free(folder);
  if (error)
    mc_tempfile_discard(file);
  return error;
}

/* Links an open file without a name. Who has made it may do so by its descriptor since
 * Linux 6.10 (root could before), which saves the way through /proc. ENOENT is said to
 * all others, and of a folder that is gone. */
static int link_open(const struct mc_tempfile *file, const char *name) {
  static atomic_bool refused;
  if (!atomic_load_explicit(&refused, memory_order_relaxed)) {
    if (linkat(file->fd, "", file->folder, name, AT_EMPTY_PATH) == 0)
      return 0;
    if (errno != ENOENT)
      return -errno;
  }
  char proc[64];
  snprintf(proc, sizeof proc, "/proc/self/fd/%d", file->fd);
  if (linkat(AT_FDCWD, proc, file->folder, name, AT_SYMLINK_FOLLOW) != 0)
    return -errno;
  atomic_store_explicit(&refused, true, memory_order_relaxed);
  return 0;
}

/* Names the nameless: straight the target's name when that is free, else a temporary one,
 * since a link never replaces anything and a rename does. */
static int link_name(struct mc_tempfile *file) {
  int linked = link_open(file, file->target);
  if (linked != -EEXIST)
    return linked;
  char *folder = folder_of(file->target);
  int error = folder ? -EEXIST : -ENOMEM;
  for (int i = 0; i < NAME_TRIES && error == -EEXIST; i++) {
    char *name = fresh_name(folder);
    if (!name) {
      error = -ENOMEM;
    } else {
      error = link_open(file, name);
      if (error)
        free(name);
      else
        file->name = name;
    }
  }
  free(folder);
  return error;
}

int mc_tempfile_rewind(struct mc_tempfile *file) {
  if (ftruncate(file->fd, 0) != 0 || lseek(file->fd, 0, SEEK_SET) != 0)
    return -errno;
  return 0;
}

int mc_tempfile_commit(struct mc_tempfile *file) {
  /* The target may have become a folder meanwhile; rename says so by itself. */
  int error = file->name ? 0 : link_name(file);
  if (!error && file->name &&
      renameat(file->folder, file->name, file->folder, file->target) != 0)
    error = -errno;
  if (!error) {
    free(file->name);
    file->name = NULL;
  }
  /* Network file systems report a failed write as late as this. */
  int fd = file->fd;
  file->fd = -1;
  if (close(fd) != 0 && !error && errno != EINTR) {
    error = -errno;
    unlinkat(file->folder, file->target, 0);
  }
  mc_tempfile_discard(file);
  return error;
}

void mc_tempfile_discard(struct mc_tempfile *file) {
  if (file->name)
    unlinkat(file->folder, file->name, 0);
  mc_tempfile_forget(file);
}

void mc_tempfile_forget(struct mc_tempfile *file) {
  if (file->fd >= 0)
    close(file->fd);
  free(file->name);
  free(file->target);
  *file = (struct mc_tempfile){.fd = -1};
}

int mc_write_all(int fd, const void *bytes, unsigned long n) {
  const char *at = bytes;
  while (n > 0) {
    ssize_t wrote = write(fd, at, n);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0)
      return wrote < 0 ? -errno : -EIO;
    at += wrote;
    n -= (unsigned long)wrote;
  }
  return 0;
}
