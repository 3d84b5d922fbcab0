#include "net/walk.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct frame {
  int fd; /* -1: closed to save descriptors, or found to be lost */
  struct mc_fs_names names;
  size_t next;        /* index of the name to visit next */
  size_t files;       /* that are not among the names */
  size_t path_length; /* of the folder's own path in walk->path */
  uint64_t device, inode;
};

struct mc_walk {
  struct frame *frames;
  size_t depth, capacity;
  struct mc_walk_options options;
  bool entered; /* the last step was a folder, and the innermost frame is its own */
  struct mc_buffer path; /* NUL-terminated where a step shows it */
};

static struct frame *top(struct mc_walk *walk) {
  return &walk->frames[walk->depth - 1];
}

static bool is_inside(const struct mc_walk *walk, uint64_t device, uint64_t inode) {
  for (size_t i = 0; i < walk->depth; i++)
    if (walk->frames[i].device == device && walk->frames[i].inode == inode)
      return true;
  return false;
}

/* Makes a frame of an open folder, whose path is what walk->path holds. Takes the
 * descriptor over, on failure too. */
static int push(struct mc_walk *walk, int fd) {
  struct stat info;
  struct mc_fs_names names = {0};
  size_t files = 0;
  int error = fstat(fd, &info) == 0 ? 0 : -errno;
  if (!error && is_inside(walk, info.st_dev, info.st_ino))
    error = -ELOOP;
  if (!error && walk->depth == walk->capacity) {
    size_t wider = walk->capacity ? walk->capacity * 2 : 16;
    struct frame *grown = realloc(walk->frames, wider * sizeof *grown);
    if (grown) {
      walk->frames = grown;
      walk->capacity = wider;
    } else {
      error = -ENOMEM;
    }
  }
  if (!error)
    error = walk->options.no_files ? mc_fs_list_others(fd, &names, &files)
                                   : mc_fs_list_fd(fd, &names);
  if (error) {
    close(fd);
    return error;
  }
  walk->frames[walk->depth++] = (struct frame){
      .fd = fd,
      .names = names,
      .files = files,
      .path_length = walk->path.length,
      .device = info.st_dev,
      .inode = info.st_ino,
  };
  /* With links followed, ".." is not the way back, so those descriptors stay. */
  if (!walk->options.follow && walk->depth > MC_WALK_OPEN) {
    struct frame *old = &walk->frames[walk->depth - 1 - MC_WALK_OPEN];
    if (old->fd >= 0)
      close(old->fd);
    old->fd = -1;
  }
  return 0;
}

/* Leaves the innermost folder, and finds its parent again when that had to be closed. A
 * parent that is no longer where it was keeps -1: what is left of it is reported as lost.
 */
static void pop(struct mc_walk *walk) {
  struct frame *child = top(walk);
  if (walk->depth > 1 && child[-1].fd < 0 && child->fd >= 0) {
    int fd = openat(child->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat info;
    bool same = fd >= 0 && fstat(fd, &info) == 0 && info.st_dev == child[-1].device &&
                info.st_ino == child[-1].inode;
    if (fd >= 0 && !same)
      close(fd);
    child[-1].fd = same ? fd : -1;
  }
  if (child->fd >= 0)
    close(child->fd);
  mc_fs_names_free(&child->names);
  walk->depth--;
}

int mc_walk_open(const char *root, struct mc_walk_options options,
                 struct mc_walk **result) {
  *result = NULL;
  int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  struct mc_walk *walk = calloc(1, sizeof *walk);
  if (!walk) {
    close(fd);
    return -ENOMEM;
  }
  walk->options = options;
  size_t length = strlen(root);
  while (length > 1 && root[length - 1] == '/')
    length--;
  if (!mc_buffer_append(&walk->path, root, length)) {
    close(fd);
    mc_walk_close(walk);
    return -ENOMEM;
  }
  int error = push(walk, fd);
  if (error)
    mc_walk_close(walk);
  else
    *result = walk;
  return error;
}

/* Appends "/name" and a NUL that is not counted. */
static int extend_path(struct mc_walk *walk, const char *name) {
  struct mc_buffer *path = &walk->path;
  bool rooted = path->length && path->data[path->length - 1] == '/';
  if ((!rooted && !mc_buffer_byte(path, '/')) ||
      !mc_buffer_append(path, name, strlen(name) + 1))
    return -ENOMEM;
  path->length--;
  return 0;
}

/* Examines the entry whose path is now in walk->path, and enters it when it is a folder.
 */
static int visit(struct mc_walk *walk, struct frame *folder, const char *name,
                 struct mc_fs_entry *entry) {
  if (folder->fd < 0)
    return -ESTALE;
  int error = mc_fs_stat_at(folder->fd, name, walk->options.follow, entry);
  if (error &&
      walk->options.follow) /* a link that leads nowhere is an entry like another */
    error = mc_fs_stat_at(folder->fd, name, false, entry);
  if (error || entry->type != MC_FS_DIRECTORY)
    return error;
  int flags =
      O_RDONLY | O_DIRECTORY | O_CLOEXEC | (walk->options.follow ? 0 : O_NOFOLLOW);
  int fd = openat(folder->fd, name, flags);
  return fd < 0 ? -errno : push(walk, fd);
}

/* Goes on to one name, of a file too. */
static int step_on(struct mc_walk *walk, struct mc_walk_step *step) {
  walk->entered = false;
  while (walk->depth > 0 && top(walk)->next == top(walk)->names.count)
    pop(walk);
  if (walk->depth == 0)
    return 0;
  struct frame *folder = top(walk);
  const char *name = folder->names.names[folder->next++];
  walk->path.length = folder->path_length;
  size_t depth = walk->depth;
  int error = extend_path(walk, name);
  if (error)
    return error;
  *step = (struct mc_walk_step){.depth = depth, .entry.type = MC_FS_UNKNOWN};
  /* push() may move the frames, but not the name, which is on the heap by itself. */
  step->error = visit(walk, folder, name, &step->entry);
  walk->entered = walk->depth > depth;
  step->files = walk->entered ? top(walk)->files : 0;
  step->path = (const char *)walk->path.data;
  step->name = name;
  return step->error == -ENOMEM ? -ENOMEM : 1;
}

int mc_walk_next(struct mc_walk *walk, struct mc_walk_step *step) {
  int more;
  do {
    more = step_on(walk, step);
  } while (more > 0 && walk->options.no_files && step->entry.type == MC_FS_FILE);
  return more;
}

void mc_walk_skip(struct mc_walk *walk) {
  if (walk->entered)
    pop(walk);
  walk->entered = false;
}

void mc_walk_close(struct mc_walk *walk) {
  if (!walk)
    return;
  for (size_t i = 0; i < walk->depth; i++) {
    if (walk->frames[i].fd >= 0)
      close(walk->frames[i].fd);
    mc_fs_names_free(&walk->frames[i].names);
  }
  free(walk->frames);
  mc_buffer_free(&walk->path);
  free(walk);
}
