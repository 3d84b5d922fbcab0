/* Removing a tree: from below, each name relative to its folder's descriptor.
 *
 *   levels   [0] dir ── [1] dir/a ── [2] dir/a/b     only the last one is open: the way
 *            names      names        names, fd       back is "..", checked
 */
#include "base/buffer.h"
#include "net/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct level {
  struct mc_fs_names names;
  size_t next;
  size_t path_length; /* of this folder's own path */
  dev_t device;
  ino_t inode;
};

struct removal {
  struct level *levels;
  size_t depth, capacity;
  int fd; /* of the last level; -1 when there is no way back */
  struct mc_buffer path;
  int error;    /* the first */
  char *failed; /* its path */
};

static void note(struct removal *removal, int error) {
  if (removal->error)
    return;
  removal->error = error;
  removal->failed = strndup((const char *)removal->path.data, removal->path.length);
}

static bool set_path(struct removal *removal, size_t length, const char *name) {
  removal->path.length = length;
  return mc_buffer_byte(&removal->path, '/') &&
         mc_buffer_append(&removal->path, name, strlen(name));
}

/* Goes into an open folder, which becomes ours on failure too. */
static int enter(struct removal *removal, int fd) {
  struct stat info;
  int error = fstat(fd, &info) == 0 ? 0 : -errno;
  if (!error && removal->depth == removal->capacity) {
    size_t wider = removal->capacity ? removal->capacity * 2 : 16;
    struct level *grown = realloc(removal->levels, wider * sizeof *grown);
    if (grown) {
      removal->levels = grown;
      removal->capacity = wider;
    } else {
      error = -ENOMEM;
    }
  }
  struct mc_fs_names names;
  if (!error)
    error = mc_fs_list_fd(fd, &names);
  if (error) {
    close(fd);
    return error;
  }
  removal->levels[removal->depth++] = (struct level){
      .names = names,
      .path_length = removal->path.length,
      .device = info.st_dev,
      .inode = info.st_ino,
  };
  if (removal->fd >= 0)
    close(removal->fd);
  removal->fd = fd;
  return 0;
}

/* Back to the parent. One that is no longer where it was is given up. */
static void leave(struct removal *removal) {
  mc_fs_names_free(&removal->levels[--removal->depth].names);
  int child = removal->fd;
  removal->fd = -1;
  if (child >= 0 && removal->depth > 0) {
    const struct level *level = &removal->levels[removal->depth - 1];
    struct stat info;
    int fd = openat(child, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool same = fd >= 0 && fstat(fd, &info) == 0 && info.st_dev == level->device &&
                info.st_ino == level->inode;
    if (fd >= 0 && !same)
      close(fd);
    removal->fd = same ? fd : -1;
  }
  if (child >= 0)
    close(child);
}

/* Removes one name, or enters the folder that it is. */
static int remove_name(struct removal *removal, int folder, const char *name) {
  if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
    return 0;
  int error = -errno;
  if (error != -EISDIR && error != -EPERM)
    return error;
  if (unlinkat(folder, name, AT_REMOVEDIR) == 0)
    return 0;
  if (errno != ENOTEMPTY && errno != EEXIST)
    return errno == ENOTDIR ? error : -errno;
  int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  return fd < 0 ? -errno : enter(removal, fd);
}

/* The emptied folder goes away from its parent, where its name was the last one taken. */
static void finish_folder(struct removal *removal, const char *root) {
  size_t length = removal->levels[removal->depth - 1].path_length;
  leave(removal);
  removal->path.length = length;
  int failed;
  if (removal->depth == 0) {
    failed = rmdir(root);
  } else {
    const struct level *parent = &removal->levels[removal->depth - 1];
    if (removal->fd < 0) {
      note(removal, -ESTALE);
      return;
    }
    failed = unlinkat(removal->fd, parent->names.names[parent->next - 1], AT_REMOVEDIR);
  }
  if (failed && errno != ENOENT)
    note(removal, -errno);
}

static void run(struct removal *removal, const char *root) {
  int error = remove_name(removal, AT_FDCWD, root);
  if (error)
    note(removal, error);
  while (removal->depth > 0) {
    struct level *level = &removal->levels[removal->depth - 1];
    if (level->next == level->names.count || removal->fd < 0) {
      finish_folder(removal, root);
      continue;
    }
    const char *name = level->names.names[level->next++];
    if (!set_path(removal, level->path_length, name))
      error = -ENOMEM;
    else
      error = remove_name(removal, removal->fd, name);
    if (error)
      note(removal, error);
  }
}

int mc_fs_remove_tree(const char *path, char **failed) {
  struct removal removal = {.fd = -1};
  struct stat info;
  if (lstat(path, &info) != 0)
    removal.error = -errno;
  else if (!mc_buffer_append(&removal.path, path, strlen(path)))
    removal.error = -ENOMEM;
  else
    run(&removal, path);
  if (removal.fd >= 0)
    close(removal.fd);
  if (removal.error && !removal.failed)
    removal.failed = strdup(path);
  free(removal.levels);
  mc_buffer_free(&removal.path);
  if (failed)
    *failed = removal.failed;
  else
    free(removal.failed);
  return removal.error;
}
