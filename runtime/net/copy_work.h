/* A file copied in libuv's thread pool, so that the loop goes on meanwhile. */
#ifndef MC_NET_COPY_WORK_H
#define MC_NET_COPY_WORK_H

#include "net/copy_file.h"

#include <uv.h>

struct mc_copy_work; /* owned by the caller until freed */

/* Starts the copy, with what is wanted but for its `stop`; the paths are copied. Its end
 * stirs the loop. 0 or a negated errno. */
int mc_copy_start(uv_loop_t *loop, const struct mc_fs_copy *wanted,
                  struct mc_copy_work **work);

bool mc_copy_is_done(const struct mc_copy_work *work);

/* What mc_fs_copy_file returned, once it is done; the failure's path is the work's own.
 */
int mc_copy_outcome(const struct mc_copy_work *work, struct mc_fs_failure *failure,
                    unsigned *lost);

/* Frees the work. One that is under way is stopped as soon as it looks up, and leaves no
 * file. In a child of the process that started it: forgets it. NULL is fine. */
void mc_copy_free(struct mc_copy_work *work);

#endif
