/* Preloaded into a helper: of the allocations of that process, number
 * MOONCREW_TEST_FAILS_AT fails, and the MOONCREW_TEST_FAILS - 1 after it. The file
 * MOONCREW_TEST_FAILED is made then. Its children, the workers, get all that they ask
 * for. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size); /* NOLINT: glibc's own */
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *block, size_t size);

static pid_t owner; /* 0: not yet */
static long calls, first, last;
static const char *mark;

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("MOONCREW_TEST_FAILS_AT"), *n = getenv("MOONCREW_TEST_FAILS");
  mark = getenv("MOONCREW_TEST_FAILED");
  if (!at || !n || !mark)
    return;
  first = atol(at);
  last = first + atol(n) - 1;
  owner = getpid();
}

static int fails(void) {
  if (!owner || getpid() != owner || ++calls < first || calls > last)
    return 0;
  if (calls == first) {
    int file = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0)
      close(file);
  }
  errno = ENOMEM;
  return 1;
}

void *malloc(size_t size) {
  return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
  return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *block, size_t size) {
  return fails() ? NULL : __libc_realloc(block, size);
}
