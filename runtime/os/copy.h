/* Copies the bytes of one open file to another by the fastest way that the kernel offers,
 * holes as holes. */
#ifndef MC_OS_COPY_H
#define MC_OS_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Asked between pieces, from the thread that copies: true ends the copy with -ECANCELED.
 */
typedef bool mc_copy_stop(void *data);

/* Makes `to`, which is empty, share the blocks of `from`. -EOPNOTSUPP, -EXDEV or -EINVAL
 * where that can't be done. */
int mc_copy_clone(int from, int to);

/* Copies all of `from`, of which fstat said `info`, to `to`, which is empty: inside the
 * kernel where the file system can, else through memory. `stop` may be NULL. 0 or a
 * negated errno; -ENODATA when `from` became shorter meanwhile. After a failure `to`
 * holds an unknown part. */
int mc_copy_data(int from, int to, const struct stat *info, mc_copy_stop *stop,
                 void *data);

/* The same of `length` bytes from `offset` on, into the same place of `to`, which has
 * its full size and nothing but a hole there. */
int mc_copy_range(int from, int to, uint64_t offset, uint64_t length, mc_copy_stop *stop,
                  void *data);

/* 1 when both files have the same bytes in that range (or both end before it is over at
 * the same place), 0 when they differ, else a negated errno. Holes of both are passed
 * over. */
int mc_same_data(int a, int b, uint64_t offset, uint64_t length, mc_copy_stop *stop,
                 void *data);

#endif
