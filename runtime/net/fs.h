/* Files and folders, as task scripts need them. No Lua, no loop: every call may run in
 * any thread.
 *
 * Functions return 0 or a negated errno. Those that touch several paths say through a
 * struct mc_fs_failure which one was to blame. */
#ifndef MC_NET_FS_H
#define MC_NET_FS_H

#include "os/copy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mc_fs_type {
  MC_FS_FILE,
  MC_FS_DIRECTORY,
  MC_FS_LINK,
  MC_FS_FIFO,
  MC_FS_SOCKET,
  MC_FS_CHAR,
  MC_FS_BLOCK,
  MC_FS_UNKNOWN,
};

struct mc_fs_entry {
  enum mc_fs_type type;
  uint64_t size;              /* bytes */
  uint64_t allocated;         /* bytes that it takes on disk: fewer than size has holes */
  double mtime;               /* seconds since 1970 */
  int64_t atime_ns, mtime_ns; /* nanoseconds since 1970 */
  unsigned mode;              /* permission bits, 07777 */
  uint64_t device, inode;     /* who it is: hard links have the same */
  uint64_t nlink;
  uint32_t uid, gid;
  uint64_t rdev; /* the number of a device node */
};

struct mc_fs_failure {
  const char *path; /* one of the caller's arguments */
  const char
      *text; /* what is wrong, when errno's text would not say; static. Else NULL */
};

/* "file", "directory", "link", "fifo", "socket", "char", "block", "unknown". */
const char *mc_fs_type_name(enum mc_fs_type type);

/* "ENOENT" for ENOENT or -ENOENT; "EUNKNOWN" for what has no name. */
const char *mc_errno_name(int error);

/* Makes a node that is no file, folder or link. For devices one must be root. */
int mc_fs_make_node(const char *path, enum mc_fs_type type, unsigned mode, uint64_t rdev);

/* Removes a folder and all that is in it, or whatever else is at the path. Links are
 * removed, never followed, even if the tree changes meanwhile. What can't be removed is
 * passed over: the first error is returned and, unless `failed` is NULL, its path put
 * there, which the caller frees. */
int mc_fs_remove_tree(const char *path, char **failed);

#define MC_FS_HASH_LENGTH 32 /* digits */

/* The XXH3 hash (128 bits) of a file's bytes, as hexadecimal digits and a NUL. */
int mc_fs_hash_file(const char *path, mc_copy_stop *stop, void *data,
                    char digits[MC_FS_HASH_LENGTH + 1]);

/* Makes a folder and those above it that are missing. A folder that is there is fine;
 * ENOTDIR or EEXIST when something else is in the way. */
int mc_fs_mkdirs(const char *path, unsigned mode);

/* What is at the path; with `follow`, behind a symbolic link. */
int mc_fs_stat(const char *path, bool follow, struct mc_fs_entry *entry);

/* A folder's names, sorted bytewise, without "." and "..". */
struct mc_fs_names {
  char **names;
  size_t count;
};
int mc_fs_list(const char *path, struct mc_fs_names *names);
/* The same from an open descriptor of a folder, which stays open and is read from its
 * start. */
int mc_fs_list_fd(int fd, struct mc_fs_names *names);
/* Those alone that are no regular files, so far as the folder itself can tell; the others
 * are counted. */
int mc_fs_list_others(int fd, struct mc_fs_names *names, size_t *files);
void mc_fs_names_free(struct mc_fs_names *names);

/* fstatat without surprises, for the walk. */
int mc_fs_stat_at(int folder, const char *name, bool follow, struct mc_fs_entry *entry);

#define MC_FS_NAME_MAX 255

/* Makes of any bytes a name that can be created in a folder and is nothing but a name:
 * '/', NUL and control characters become '_', as do the dots of "." and ".."; an empty
 * one is "_"; more than 255 bytes are cut between characters, the extension kept. Nothing
 * is decoded, so "%2e%2e" stays as it is. `out` has room for MC_FS_NAME_MAX + 1 bytes.
 * Returns the length. */
size_t mc_fs_safe_name(const char *text, size_t length, char *out);

#endif
