#include "net/copy_folder.h"

#include "net/xattrs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct folders {
  struct mc_fs_folder *job;
  int from, to;
  struct mc_buffer path; /* of a file, where nothing but a path will do */
};

static bool same_time(struct timespec a, struct timespec b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_later(struct timespec a, struct timespec b) {
  return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* Whether the file of that name has no extended attributes. */
static bool is_bare(struct folders *folders, const char *folder, const char *name) {
  struct mc_buffer *path = &folders->path;
  path->length = 0;
  if (!mc_buffer_append(path, folder, strlen(folder)) || !mc_buffer_byte(path, '/') ||
      !mc_buffer_append(path, name, strlen(name) + 1))
    return false;
  struct mc_place place = {-1, (const char *)path->data, false};
  char *names;
  size_t size;
  int error = mc_xattrs_list(&place, &names, &size);
  if (!error)
    free(names);
  return size == 0 && (!error || error == -EOPNOTSUPP);
}

/* Attributes give a file another ctime. A copy whose own is later, by the same clock, has
 * been made of all that the source has. */
static bool same_xattrs(struct folders *folders, const char *name,
                        const struct stat *source, const struct stat *there) {
  const struct mc_fs_copy *copy = &folders->job->copy;
  if (source->st_dev == there->st_dev && is_later(there->st_ctim, source->st_ctim))
    return true;
  return is_bare(folders, copy->from, name) && is_bare(folders, copy->to, name);
}

/* Whether there is nothing to do. Where in doubt, there is. */
static bool is_current(struct folders *folders, const char *name,
                       const struct stat *source, const struct stat *there) {
  const struct mc_fs_copy *copy = &folders->job->copy;
  bool owned = source->st_uid == there->st_uid && source->st_gid == there->st_gid;
  return S_ISREG(there->st_mode) && there->st_nlink == 1 &&
         source->st_size == there->st_size &&
         same_time(source->st_mtim, there->st_mtim) &&
         source->st_mode == there->st_mode &&
         (owned || (!copy->owner && !(source->st_mode & (S_ISUID | S_ISGID)))) &&
         (!copy->xattrs || same_xattrs(folders, name, source, there));
}

static bool has_size_and_time(const struct stat *source, const struct stat *there) {
  return source->st_size == there->st_size &&
         source->st_mtim.tv_sec == there->st_mtim.tv_sec;
}

static bool has_room(struct mc_fs_folder *job, const struct stat *source) {
  uint64_t size = (uint64_t)source->st_size;
  if (size <= MC_FS_SMALL)
    return true;
  if (size > job->room)
    return false;
  job->room -= size;
  return true;
}

static int copy_open(struct folders *folders, int fd, const struct stat *source,
                     const char *name) {
  struct mc_fs_folder *job = folders->job;
  struct mc_tempfile file;
  job->copy.lost = 0;
  int error = mc_tempfile_open_at(&file, folders->to, name);
  if (error)
    return error;
  error = mc_fs_copy_into(&job->copy, fd, source, &file);
  if (!error)
    error = mc_tempfile_commit(&file);
  else
    mc_tempfile_discard(&file);
  if (!error) {
    job->files++;
    job->bytes += (uint64_t)source->st_size;
    job->lost += job->copy.lost ? 1 : 0;
  }
  return error;
}

/* What the next functions say of a file: 0, it is done; LEAVE; or a negated errno that
 * ends it all. */
#define LEAVE 1

static int copy_plain(struct folders *folders, const char *name) {
  int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
  int fd = openat(folders->from, name, flags);
  if (fd < 0)
    return LEAVE;
  struct stat source;
  int error = fstat(fd, &source) == 0 ? 0 : -errno;
  if (!error && (!S_ISREG(source.st_mode) || source.st_nlink > 1 ||
                 !has_room(folders->job, &source)))
    error = -EINVAL;
  if (!error)
    error = copy_open(folders, fd, &source, name);
  close(fd);
  return error && error != -ECANCELED ? LEAVE : error;
}

static int visit(struct folders *folders, const char *name) {
  struct mc_fs_folder *job = folders->job;
  struct stat source, there;
  if (fstatat(folders->to, name, &there, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? copy_plain(folders, name) : LEAVE;
  if (fstatat(folders->from, name, &source, AT_SYMLINK_NOFOLLOW) != 0)
    return LEAVE;
  if (!S_ISREG(there.st_mode) ||
      (source.st_dev == there.st_dev && source.st_ino == there.st_ino))
    return LEAVE;
  if (!job->update)
    return copy_plain(folders, name);
  if (source.st_nlink == 1 && is_current(folders, name, &source, &there)) {
    job->skipped++;
    job->skipped_bytes += (uint64_t)source.st_size;
    return 0;
  }
  return has_size_and_time(&source, &there) ? LEAVE : copy_plain(folders, name);
}

/* Which part a name is in: whoever lists the folder finds the same. */
static unsigned part_of(const char *name, unsigned parts) {
  unsigned hash = 2166136261u;
  for (; *name; name++)
    hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash % parts;
}

/* Disks that don't tell what a name is are asked: not all may be opened. */
static bool is_file(const struct folders *folders, const struct dirent *entry) {
  struct stat info;
  if (entry->d_type != DT_UNKNOWN)
    return entry->d_type == DT_REG;
  return fstatat(folders->from, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(info.st_mode);
}

static bool is_ours(const struct folders *folders, const struct dirent *entry) {
  const struct mc_fs_folder *job = folders->job;
  return is_file(folders, entry) &&
         (job->parts < 2 || part_of(entry->d_name, job->parts) == job->part);
}

static int visit_all(struct folders *folders, DIR *list) {
  struct mc_fs_folder *job = folders->job;
  for (;;) {
    errno = 0;
    struct dirent *entry = readdir(list);
    if (!entry)
      return -errno;
    if (!is_ours(folders, entry))
      continue;
    if (job->copy.stop && job->copy.stop(job->copy.data))
      return -ECANCELED;
    int said = visit(folders, entry->d_name);
    if (said < 0)
      return said;
    if (said == LEAVE &&
        !mc_buffer_append(&job->left, entry->d_name, strlen(entry->d_name) + 1))
      return -ENOMEM;
  }
}

static int open_folder(struct mc_fs_copy *copy, const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0)
    return fd;
  copy->failure = (struct mc_fs_failure){.path = path};
  return -errno;
}

int mc_fs_copy_folder(struct mc_fs_folder *job) {
  struct folders folders = {.job = job};
  job->copy.failure = (struct mc_fs_failure){.path = job->copy.from};
  folders.from = open_folder(&job->copy, job->copy.from);
  if (folders.from < 0)
    return folders.from;
  folders.to = open_folder(&job->copy, job->copy.to);
  job->copy.bare =
      job->copy.xattrs && folders.to >= 0 && !mc_xattrs_are_inherited(folders.to);
  DIR *list = folders.to < 0 ? NULL : fdopendir(folders.from);
  int error = folders.to < 0 ? folders.to : list ? visit_all(&folders, list) : -errno;
  if (list)
    closedir(list);
  else
    close(folders.from);
  if (folders.to >= 0)
    close(folders.to);
  mc_buffer_free(&folders.path);
  return error;
}
