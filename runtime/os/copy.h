/* Copies the bytes of one open file to another by the fastest way that the kernel offers.
 */
#ifndef MC_OS_COPY_H
#define MC_OS_COPY_H

#include <stdbool.h>

/* Asked between pieces, from the thread that copies: true ends the copy with -ECANCELED.
 */
typedef bool mc_copy_stop(void *data);

/* Copies all of `from`, read from its beginning, to `to`, which is empty: shares the
 * blocks where the file system can (FICLONE), else copies inside the kernel, else through
 * memory. `stop` may be NULL. 0 or a negated errno; after a failure `to` holds an unknown
 * part. */
int mc_copy_data(int from, int to, mc_copy_stop *stop, void *data);

#endif
