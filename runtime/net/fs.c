#include "net/fs.h"

#include "os/tempfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

const char *mc_fs_type_name(enum mc_fs_type type) {
  static const char *const names[] = {"file",   "directory", "link",  "fifo",
                                      "socket", "char",      "block", "unknown"};
  return names[type <= MC_FS_UNKNOWN ? type : MC_FS_UNKNOWN];
}

const char *mc_errno_name(int error) {
  static const struct {
    int error;
    const char *name;
  } names[] = {
#define MC_ERRNO_NAME(name, text) {UV_##name, #name},
      UV_ERRNO_MAP(MC_ERRNO_NAME)
#undef MC_ERRNO_NAME
          {-EDQUOT, "EDQUOT"},
      {-ESTALE, "ESTALE"},
  };
  int wanted = error < 0 ? error : -error;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (names[i].error == wanted)
      return names[i].name;
  return "EUNKNOWN";
}

static enum mc_fs_type type_of(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFREG:
    return MC_FS_FILE;
  case S_IFDIR:
    return MC_FS_DIRECTORY;
  case S_IFLNK:
    return MC_FS_LINK;
  case S_IFIFO:
    return MC_FS_FIFO;
  case S_IFSOCK:
    return MC_FS_SOCKET;
  case S_IFCHR:
    return MC_FS_CHAR;
  case S_IFBLK:
    return MC_FS_BLOCK;
  }
  return MC_FS_UNKNOWN;
}

int mc_fs_stat_at(int folder, const char *name, bool follow, struct mc_fs_entry *entry) {
  struct stat info;
  if (fstatat(folder, name, &info, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
    return -errno;
  *entry = (struct mc_fs_entry){
      .type = type_of(info.st_mode),
      .size = (uint64_t)info.st_size,
      .mtime = (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec / 1e9,
      .mode = info.st_mode & 07777,
      .device = info.st_dev,
      .inode = info.st_ino,
  };
  return 0;
}

int mc_fs_stat(const char *path, bool follow, struct mc_fs_entry *entry) {
  return mc_fs_stat_at(AT_FDCWD, path, follow, entry);
}

/* ---- copying ---- */

static int fail(struct mc_fs_failure *failure, const char *path, const char *text,
                int error) {
  *failure = (struct mc_fs_failure){.path = path, .text = text};
  return error;
}

/* Opens what is to be copied. Non-blocking, or a pipe without a writer would hold us
 * here. */
static int open_source(const char *from, struct stat *info,
                       struct mc_fs_failure *failure) {
  int fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return fail(failure, from, NULL, errno == ENXIO ? -EINVAL : -errno);
  int error = fstat(fd, info) == 0 ? 0 : fail(failure, from, NULL, -errno);
  if (!error && S_ISDIR(info->st_mode))
    error = fail(failure, from, NULL, -EISDIR);
  else if (!error && !S_ISREG(info->st_mode))
    error = fail(failure, from, "Not a regular file", -EINVAL);
  if (error)
    close(fd);
  return error ? error : fd;
}

static int check_target(const char *to, const struct stat *source,
                        struct mc_fs_failure *failure) {
  struct stat info;
  if (stat(to, &info) != 0)
    return 0; /* what is wrong with it, opening will say */
  if (info.st_dev == source->st_dev && info.st_ino == source->st_ino)
    return fail(failure, to, "Is the same file as the source", -EINVAL);
  if (S_ISDIR(info.st_mode))
    return fail(failure, to, NULL, -EISDIR);
  if (!S_ISREG(info.st_mode))
    return fail(failure, to, "Not a regular file", -EINVAL);
  return 0;
}

static int copy_attributes(int fd, const struct stat *source) {
  struct stat made;
  if (fstat(fd, &made) != 0)
    return -errno;
  mode_t mode = source->st_mode & 07777;
  if (made.st_uid != source->st_uid || made.st_gid != source->st_gid)
    mode &= (mode_t) ~(S_ISUID | S_ISGID);
  if (fchmod(fd, mode) != 0)
    return -errno;
  struct timespec times[2] = {source->st_atim, source->st_mtim};
  return futimens(fd, times) == 0 ? 0 : -errno;
}

int mc_fs_copy_file(const char *from, const char *to, mc_copy_stop *stop, void *data,
                    struct mc_fs_failure *failure) {
  struct stat info;
  int fd = open_source(from, &info, failure);
  if (fd < 0)
    return fd;
  int error = check_target(to, &info, failure);
  struct mc_tempfile file = {.fd = -1};
  if (!error) {
    error = mc_tempfile_open(&file, to);
    if (!error)
      error = mc_copy_data(fd, file.fd, stop, data);
    if (!error)
      error = copy_attributes(file.fd, &info);
    if (!error)
      error = mc_tempfile_commit(&file);
    else
      mc_tempfile_discard(&file);
    if (error)
      fail(failure, error == -EIO ? from : to, NULL, error);
  }
  close(fd);
  return error;
}

/* ---- folders ---- */

static int make_one(const char *path, mode_t mode) {
  if (mkdir(path, mode) == 0)
    return 0;
  int error = -errno;
  struct stat info;
  if (error == -EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
    return 0;
  return error;
}

int mc_fs_mkdirs(const char *path, unsigned mode) {
  if (!*path)
    return -ENOENT;
  char *copy = strdup(path);
  if (!copy)
    return -ENOMEM;
  int error = 0;
  for (char *at = copy + 1; !error && *at; at++) {
    if (*at != '/' || at[-1] == '/')
      continue;
    *at = '\0';
    error = make_one(copy, 0777);
    /* A folder that can't be made may be there all the same, on a read-only disk for one.
     */
    struct stat info;
    if (error && error != -EEXIST && stat(copy, &info) == 0 && S_ISDIR(info.st_mode))
      error = 0;
    *at = '/';
  }
  if (!error)
    error = make_one(copy, (mode_t)mode);
  free(copy);
  return error;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

void mc_fs_names_free(struct mc_fs_names *names) {
  for (size_t i = 0; i < names->count; i++)
    free(names->names[i]);
  free(names->names);
  *names = (struct mc_fs_names){0};
}

static int add_name(struct mc_fs_names *names, size_t *capacity, const char *name) {
  if (names->count == *capacity) {
    size_t wider = *capacity ? *capacity * 2 : 32;
    char **grown = realloc(names->names, wider * sizeof *grown);
    if (!grown)
      return -ENOMEM;
    names->names = grown;
    *capacity = wider;
  }
  char *copy = strdup(name);
  if (!copy)
    return -ENOMEM;
  names->names[names->count++] = copy;
  return 0;
}

/* Takes the descriptor over. */
static int list_and_close(int fd, struct mc_fs_names *names) {
  *names = (struct mc_fs_names){0};
  DIR *folder = fdopendir(fd);
  if (!folder) {
    int failed = -errno;
    close(fd);
    return failed;
  }
  size_t capacity = 0;
  int error = 0;
  while (!error) {
    errno = 0;
    struct dirent *entry = readdir(folder);
    if (!entry) {
      error = -errno;
      break;
    }
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
      error = add_name(names, &capacity, entry->d_name);
  }
  closedir(folder);
  if (error)
    mc_fs_names_free(names);
  else if (names->count)
    qsort(names->names, names->count, sizeof *names->names, compare_names);
  return error;
}

int mc_fs_list(const char *path, struct mc_fs_names *names) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? -errno : list_and_close(fd, names);
}

int mc_fs_list_fd(int fd, struct mc_fs_names *names) {
  int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return own < 0 ? -errno : list_and_close(own, names);
}
