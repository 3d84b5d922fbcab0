/* An allocator for mooncrew_set_allocator() that counts the blocks in use, and one of
 * whose calls can be made to fail. */
#ifndef MC_TESTS_EMBED_MEMORY_H
#define MC_TESTS_EMBED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

extern long memory_in_use; /* blocks */

void *memory_allocate(void *data, void *block, size_t size);

/* From now on they are counted, and that number `fails_at` fails; 0: none. */
void memory_count(long fails_at);

/* How many there were since. */
long memory_calls(void);

#endif
