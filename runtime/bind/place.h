/* Where the library is. */
#ifndef MC_BIND_PLACE_H
#define MC_BIND_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* The folder of the file that holds this code, symbolic links of a binary resolved.
 * *is_module (may be NULL) says whether that is a module of another program. false: it is
 * not to be known, or longer than `size`. */
bool bind_place(char *folder, size_t size, bool *is_module);

#endif
