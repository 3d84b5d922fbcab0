/* Copies files with what belongs to them: mode, times, owner, extended attributes.
 *
 * Functions return 0 or a negated errno, and say through a struct mc_fs_failure which
 * path was to blame. */
#ifndef MC_NET_COPY_FILE_H
#define MC_NET_COPY_FILE_H

#include "net/fs.h"
#include "os/tempfile.h"

#include <sys/stat.h>

/* What could not be kept though all else went well: the system does not let us, or that
 * disk has no such thing. */
enum {
  MC_FS_LOST_OWNER = 1,
  MC_FS_LOST_XATTRS = 2,
};

struct mc_fs_copy {
  const char *from, *to;
  bool owner, xattrs; /* keep these too */
  bool group;         /* keep the group where we may; where not, nothing is lost */
  bool bare;          /* new files have no attributes: the folder gives them none */
  bool no_follow;     /* neither path is looked at behind a symbolic link */
  bool clone_only;    /* share blocks, or fail with -EOPNOTSUPP, -EXDEV, -EINVAL */
  bool no_clone; /* that can't be done between these disks; set once it is found out */
  mc_copy_stop *stop;           /* may be NULL */
  void *data;                   /* of stop */
  unsigned lost;                /* out: MC_FS_LOST_… */
  struct mc_fs_failure failure; /* out, when it failed */
};

/* Copies a regular file. `to` appears whole or stays as it was. Refused: a folder
 * (EISDIR), what is no regular file, and the same file. The set-user and set-group bits
 * are kept only when the copy has the same owner and group. */
int mc_fs_copy_file(struct mc_fs_copy *copy);

/* Fills a temporary file with what the open file `fd` has, of which fstat said `source`:
 * bytes, and what belongs to them. */
int mc_fs_copy_into(struct mc_fs_copy *copy, int fd, const struct stat *source,
                    struct mc_tempfile *file);

/* Gives `to` the mode, times, and (if wanted) owner and extended attributes of `from`,
 * whatever both are. Only what differs is written. With no_follow also between links. */
int mc_fs_copy_attributes(struct mc_fs_copy *copy);

/* Copies a range into a file that is there, as mc_copy_range does. */
int mc_fs_copy_range(struct mc_fs_copy *copy, uint64_t offset, uint64_t length);

/* 1 when both have the same bytes in that range, 0 when they differ, else a negated
 * errno. */
int mc_fs_same_data(struct mc_fs_copy *copy, uint64_t offset, uint64_t length);

#endif
