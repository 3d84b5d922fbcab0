/* Where the helper's program is. */
#ifndef MC_EMBED_LOCATE_H
#define MC_EMBED_LOCATE_H

#include <stdbool.h>
#include <stddef.h>

/* Finds the program: `wanted` if it is not NULL, else $MOONCREW_HELPER, else where it was
 * installed with the shared library, else where the build was to be installed. false: the
 * path does not fit. Whether the file is there shows when it is started. */
bool embed_locate(const char *wanted, char *path, size_t size);

#endif
