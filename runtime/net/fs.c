#include "net/fs.h"

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
      {-ENODATA, "ENODATA"},
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

/* Times after 2262 wrap around: equal ones stay equal. */
static int64_t nanoseconds(struct timespec time) {
  return (int64_t)((uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec);
}

int mc_fs_stat_at(int folder, const char *name, bool follow, struct mc_fs_entry *entry) {
  struct stat info;
  if (fstatat(folder, name, &info, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
    return -errno;
  *entry = (struct mc_fs_entry){
      .type = type_of(info.st_mode),
      .size = (uint64_t)info.st_size,
      .allocated = (uint64_t)info.st_blocks * 512,
      .mtime = (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec / 1e9,
      .atime_ns = nanoseconds(info.st_atim),
      .mtime_ns = nanoseconds(info.st_mtim),
      .mode = info.st_mode & 07777,
      .device = info.st_dev,
      .inode = info.st_ino,
      .nlink = info.st_nlink,
      .uid = info.st_uid,
      .gid = info.st_gid,
      .rdev = info.st_rdev,
  };
  return 0;
}

int mc_fs_stat(const char *path, bool follow, struct mc_fs_entry *entry) {
  return mc_fs_stat_at(AT_FDCWD, path, follow, entry);
}

int mc_fs_make_node(const char *path, enum mc_fs_type type, unsigned mode,
                    uint64_t rdev) {
  mode_t kind;
  switch (type) {
  case MC_FS_FIFO:
    kind = S_IFIFO;
    break;
  case MC_FS_SOCKET:
    kind = S_IFSOCK;
    break;
  case MC_FS_CHAR:
    kind = S_IFCHR;
    break;
  case MC_FS_BLOCK:
    kind = S_IFBLK;
    break;
  default:
    return -EINVAL;
  }
  return mknod(path, kind | (mode_t)mode, rdev) == 0 ? 0 : -errno;
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

/* Takes the descriptor over. With `files`, regular files are counted there and not
 * listed.
 */
static int list_and_close(int fd, struct mc_fs_names *names, size_t *files) {
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
    if (files && entry->d_type == DT_REG)
      ++*files;
    else if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
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
  return fd < 0 ? -errno : list_and_close(fd, names, NULL);
}

int mc_fs_list_fd(int fd, struct mc_fs_names *names) {
  int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return own < 0 ? -errno : list_and_close(own, names, NULL);
}

int mc_fs_list_others(int fd, struct mc_fs_names *names, size_t *files) {
  *files = 0;
  int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return own < 0 ? -errno : list_and_close(own, names, files);
}
