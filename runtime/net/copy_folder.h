/* Copies the files of one folder into another, each relative to the folders' descriptors:
 * many small ones in one call.
 *
 *   names as they are read ─▶ the same there? ─▶ counted
 *                          ─▶ plain and fine  ─▶ copied
 *                          ─▶ anything else   ─▶ left, for who has more patience
 */
#ifndef MC_NET_COPY_FOLDER_H
#define MC_NET_COPY_FOLDER_H

#include "base/buffer.h"
#include "net/copy_file.h"

#define MC_FS_SMALL ((uint64_t)64 << 10)

struct mc_fs_folder {
  struct mc_fs_copy copy; /* from and to: the folders; owner, xattrs, stop, data */
  bool update;            /* pass over what is there with the same size and time */
  uint64_t room; /* bytes of files larger than MC_FS_SMALL; those beyond it are left */
  unsigned part, parts; /* only the files of this part: 0 to parts - 1 */

  uint64_t files, bytes;           /* out: copied */
  uint64_t skipped, skipped_bytes; /* out: passed over */
  uint64_t lost;                   /* out: copied, but for something of MC_FS_LOST_… */
  struct mc_buffer left; /* out: names, each ended by NUL; the caller frees it */
};

/* Regular files alone, never behind a link. What is left: files with more names than one,
 * what could not be copied for any reason, and what is passed over but has other
 * attributes there. 0; or a negated errno when the folders can't be read (`copy.failure`
 * says which), no memory is left, or `copy.stop` has said so (-ECANCELED). */
int mc_fs_copy_folder(struct mc_fs_folder *folder);

#endif
