#include "net/copy_file.h"

#include "net/xattrs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct mc_fs_copy *copy, const char *path, const char *text, int error) {
  if (error == -ENODATA)
    text = "The file became shorter while it was copied";
  copy->failure = (struct mc_fs_failure){.path = path, .text = text};
  return error;
}

/* Opens what is to be read. Non-blocking, or a pipe without a writer would hold us
 * here. */
static int open_file(struct mc_fs_copy *copy, const char *path, struct stat *info) {
  int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int fd = open(path, flags | (copy->no_follow ? O_NOFOLLOW : 0));
  if (fd < 0)
    return fail(copy, path, NULL, errno == ENXIO ? -EINVAL : -errno);
  int error = fstat(fd, info) == 0 ? 0 : fail(copy, path, NULL, -errno);
  if (!error && S_ISDIR(info->st_mode))
    error = fail(copy, path, NULL, -EISDIR);
  else if (!error && !S_ISREG(info->st_mode))
    error = fail(copy, path, "Not a regular file", -EINVAL);
  if (error)
    close(fd);
  return error ? error : fd;
}

static int check_target(struct mc_fs_copy *copy, const struct stat *source) {
  struct stat info;
  const char *to = copy->to;
  if (fstatat(AT_FDCWD, to, &info, copy->no_follow ? AT_SYMLINK_NOFOLLOW : 0) != 0)
    return 0; /* what is wrong with it, opening will say */
  if (info.st_dev == source->st_dev && info.st_ino == source->st_ino)
    return fail(copy, to, "Is the same file as the source", -EINVAL);
  if (S_ISDIR(info.st_mode))
    return fail(copy, to, NULL, -EISDIR);
  if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
    return fail(copy, to, "Not a regular file", -EINVAL);
  return 0;
}

/* ---- attributes ---- */

/* -1: as it is. */
static int change_owner(const struct mc_place *to, uid_t user, gid_t group) {
  int failed = to->fd >= 0 ? fchown(to->fd, user, group) : lchown(to->path, user, group);
  return failed ? -errno : 0;
}

static int change_mode(const struct mc_place *to, mode_t mode) {
  return (to->fd >= 0 ? fchmod(to->fd, mode) : chmod(to->path, mode)) ? -errno : 0;
}

static int change_times(const struct mc_place *to, const struct stat *source) {
  struct timespec times[2] = {source->st_atim, source->st_mtim};
  int failed = to->fd >= 0 ? futimens(to->fd, times)
                           : utimensat(AT_FDCWD, to->path, times, AT_SYMLINK_NOFOLLOW);
  return failed ? -errno : 0;
}

static bool same_time(struct timespec a, struct timespec b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The order is fixed: a change of owner takes away set-user bits and capabilities, and
 * who has made a file read-only can't add attributes to it. */
static int attributes(struct mc_fs_copy *copy, const struct mc_place *from,
                      const struct stat *source, const struct mc_place *to,
                      struct stat *made) {
  bool owned = made->st_uid == source->st_uid && made->st_gid == source->st_gid;
  bool touched = false;
  if (copy->owner && !owned) {
    int error = change_owner(to, source->st_uid, source->st_gid);
    if (error && error != -EPERM && error != -EINVAL)
      return error;
    owned = touched = !error;
    copy->lost |= error ? MC_FS_LOST_OWNER : 0;
  }
  if (copy->group && !owned && made->st_gid != source->st_gid &&
      change_owner(to, (uid_t)-1, source->st_gid) == 0) {
    touched = true;
    owned = made->st_uid == source->st_uid;
  }
  if (copy->xattrs) {
    struct mc_xattrs_outcome outcome;
    int error = mc_xattrs_copy(from, to, &outcome);
    if (error)
      return error;
    touched |= outcome.changed;
    copy->lost |= outcome.lost ? MC_FS_LOST_XATTRS : 0;
  }
  mode_t mode = source->st_mode & 07777;
  if (!owned)
    mode &= (mode_t) ~(S_ISUID | S_ISGID);
  if (!S_ISLNK(made->st_mode) && (touched || (made->st_mode & 07777) != mode)) {
    int error = change_mode(to, mode);
    if (error)
      return error;
  }
  return same_time(made->st_mtim, source->st_mtim) ? 0 : change_times(to, source);
}

int mc_fs_copy_attributes(struct mc_fs_copy *copy) {
  copy->lost = 0;
  struct stat source, made;
  int flags = copy->no_follow ? AT_SYMLINK_NOFOLLOW : 0;
  if (fstatat(AT_FDCWD, copy->from, &source, flags) != 0)
    return fail(copy, copy->from, NULL, -errno);
  if (fstatat(AT_FDCWD, copy->to, &made, flags) != 0)
    return fail(copy, copy->to, NULL, -errno);
  /* Behind links: by descriptors, of which these read and write nothing. */
  struct mc_place from = {-1, copy->from, false}, to = {-1, copy->to, false};
  int error = 0;
  if (!copy->no_follow) {
    from.fd = open(copy->from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (from.fd < 0)
      return fail(copy, copy->from, NULL, -errno);
    to.fd = open(copy->to, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    error = to.fd < 0 ? -errno : 0;
  }
  if (!error)
    error = attributes(copy, &from, &source, &to, &made);
  if (from.fd >= 0)
    close(from.fd);
  if (to.fd >= 0)
    close(to.fd);
  return error ? fail(copy, copy->to, NULL, error) : 0;
}

/* ---- files ---- */

static int share_blocks(struct mc_fs_copy *copy, int from, int to) {
  int error = mc_copy_clone(from, to);
  copy->no_clone |= error == -EOPNOTSUPP || error == -EXDEV || error == -ENOTTY;
  return error;
}

static int fill(struct mc_fs_copy *copy, int from, const struct stat *source, int to) {
  if (copy->clone_only)
    return share_blocks(copy, from, to);
  if (source->st_size > 0 && !copy->no_clone && share_blocks(copy, from, to) == 0)
    return 0;
  return mc_copy_data(from, to, source, copy->stop, copy->data);
}

int mc_fs_copy_into(struct mc_fs_copy *copy, int fd, const struct stat *source,
                    struct mc_tempfile *file) {
  struct stat made;
  /* One with a name can be seen, and what it will be may be secret. */
  if (file->name && fchmod(file->fd, 0600) != 0)
    return -errno;
  int error = fill(copy, fd, source, file->fd);
  if (!error && fstat(file->fd, &made) != 0)
    error = -errno;
  if (error)
    return error;
  struct mc_place from = {fd, copy->from, false}, to = {file->fd, copy->to, copy->bare};
  return attributes(copy, &from, source, &to, &made);
}

int mc_fs_copy_file(struct mc_fs_copy *copy) {
  copy->lost = 0;
  struct stat info;
  int fd = open_file(copy, copy->from, &info);
  if (fd < 0)
    return fd;
  int error = check_target(copy, &info);
  struct mc_tempfile file = {.fd = -1};
  if (!error) {
    error = mc_tempfile_open(&file, copy->to);
    if (!error)
      error = mc_fs_copy_into(copy, fd, &info, &file);
    if (!error)
      error = mc_tempfile_commit(&file);
    else
      mc_tempfile_discard(&file);
    if (error)
      fail(copy, error == -EIO || error == -ENODATA ? copy->from : copy->to, NULL, error);
  }
  close(fd);
  return error;
}

int mc_fs_copy_range(struct mc_fs_copy *copy, uint64_t offset, uint64_t length) {
  struct stat info;
  int from = open_file(copy, copy->from, &info);
  if (from < 0)
    return from;
  int to = open(copy->to, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  int error =
      to < 0 ? -errno : mc_copy_range(from, to, offset, length, copy->stop, copy->data);
  /* Network file systems report a failed write as late as this. */
  if (to >= 0 && close(to) != 0 && !error && errno != EINTR)
    error = -errno;
  close(from);
  bool source = error == -EIO || error == -ENODATA;
  return error ? fail(copy, source ? copy->from : copy->to, NULL, error) : 0;
}

int mc_fs_same_data(struct mc_fs_copy *copy, uint64_t offset, uint64_t length) {
  struct stat info;
  int a = open_file(copy, copy->from, &info);
  if (a < 0)
    return a;
  int b = open_file(copy, copy->to, &info);
  int same = b;
  if (b >= 0) {
    same = mc_same_data(a, b, offset, length, copy->stop, copy->data);
    if (same < 0)
      fail(copy, copy->from, NULL, same);
    close(b);
  }
  close(a);
  return same;
}
