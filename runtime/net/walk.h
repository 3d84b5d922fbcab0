/* A walk through a tree: every entry once, a folder before what is in it, names sorted.
 *
 *   frames   [0] dir ── [1] dir/a ── [2] dir/a/b      each: names read whole, the next
 * one's descriptor   (closed)     descriptor     index, device and inode
 *
 * Folders are opened relative to their parent's descriptor and never through a symbolic
 * link (unless asked to follow), so a tree that changes meanwhile can't lead out of
 * itself. At most MC_WALK_OPEN descriptors are open at any depth: older ones are closed,
 * and found again through
 * "..", checked by device and inode. Nothing recurses on the C stack. */
#ifndef MC_NET_WALK_H
#define MC_NET_WALK_H

#include "net/fs.h"

#define MC_WALK_OPEN 32

struct mc_walk;

struct mc_walk_step {
  const char *path; /* the root joined with the names: valid until the next step */
  const char *name; /* its last part */
  size_t depth;     /* 1 for what is in the root */
  struct mc_fs_entry entry;
  size_t files; /* with no_files: how many there are in this folder, about */
  int error;    /* 0, or why this entry could not be examined or, a folder, not be read */
};

struct mc_walk_options {
  bool follow;   /* links to folders are entered, except those that lead back to a folder
                  * which the walk is in (error -ELOOP) */
  bool no_files; /* regular files are passed over, most of them without a look at them */
};

/* Opens the root. 0, or a negated errno and `*walk` is NULL. */
int mc_walk_open(const char *root, struct mc_walk_options options, struct mc_walk **walk);

/* 1: `step` is the next entry. 0: there is none left. Negative: no memory; the walk is
 * over. */
int mc_walk_next(struct mc_walk *walk, struct mc_walk_step *step);

/* Passes over what is in the folder that the last step gave. */
void mc_walk_skip(struct mc_walk *walk);

void mc_walk_close(struct mc_walk *walk);

#endif
