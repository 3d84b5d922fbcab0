#include "embed/support/memory.h"

#include <stdlib.h>

long memory_in_use;
static long calls, failing_call;

void *memory_allocate(void *data, void *block, size_t size) {
  (void)data;
  if (size == 0) {
    memory_in_use -= block != NULL;
    free(block);
    return NULL;
  }
  if (++calls == failing_call)
    return NULL;
  void *got = realloc(block, size);
  memory_in_use += got && !block;
  return got;
}

void memory_count(long fails_at) {
  calls = 0;
  failing_call = fails_at;
}

long memory_calls(void) {
  return calls;
}
