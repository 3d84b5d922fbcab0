/* A file that appears under its name whole or not at all.
 *
 *   open ── write … ── commit: the name has the new bytes
 *                 └─── discard, or death of the process: the name is as it was
 *
 * Where the file system knows nameless files (O_TMPFILE), the temporary has no name until
 * the commit, so that not even SIGKILL leaves it behind. Elsewhere it is a hidden file
 * beside the target, which a killed process leaves. */
#ifndef MC_OS_TEMPFILE_H
#define MC_OS_TEMPFILE_H

#include <stdbool.h>

struct mc_tempfile {
  int fd;       /* open for writing; -1: nothing is open */
  int folder;   /* what the names below are relative to; not ours */
  char *target; /* what the file will be called */
  char *name;   /* the temporary's name; NULL while it has none */
};

/* Opens a temporary in the target's folder, with the permissions of a new file. -EISDIR
 * when the target is a folder, -EEXIST when it is neither a file nor a link (a device
 * must not be replaced by a file), or what open says. On failure there is nothing to
 * discard. */
int mc_tempfile_open(struct mc_tempfile *file, const char *target);

/* The same relative to an open folder, which must stay open as long. What is at the
 * target is not looked at: it is replaced, unless it is a folder. */
int mc_tempfile_open_at(struct mc_tempfile *file, int folder, const char *target);

/* Empties the temporary, to write it anew. 0 or a negated errno. */
int mc_tempfile_rewind(struct mc_tempfile *file);

/* Gives the file its name, in place of what had it (a symbolic link is replaced, not
 * followed), and closes it. On failure the file is discarded. */
int mc_tempfile_commit(struct mc_tempfile *file);

/* Closes and removes the temporary. Does nothing when there is none. */
void mc_tempfile_discard(struct mc_tempfile *file);

/* Closes the descriptor and forgets the rest, without removing anything: for a forked
 * child, whose parent still writes the file. */
void mc_tempfile_forget(struct mc_tempfile *file);

/* Writes all the bytes. 0, or a negated errno after an unknown part of them. */
int mc_write_all(int fd, const void *bytes, unsigned long n);

#endif
