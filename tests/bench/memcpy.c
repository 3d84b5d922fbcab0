/* The limit of large messages: BYTES are copied from one place to another, N times.
 * bench_memcpy BYTES N */
#include "bench/support/limit.h"

#include <string.h>

int main(int argc, char *argv[]) {
  long n = count_of(argc, argv, 1, "bench_memcpy BYTES N"), right = 0;
  size_t size = (size_t)atol(argv[1]);
  unsigned char *from = malloc(size), *to = malloc(size);
  if (size < sizeof(long) || !from || !to)
    return 2;
  memset(from, 'x', size);
  memset(to, 'y', size); /* pages that nobody has touched would cost more */
  double start = now();
  for (long i = 0; i < n; i++) {
    long found;
    memcpy(from + size - sizeof i, &i, sizeof i);
    memcpy(to, from, size);
    memcpy(&found, to + size - sizeof found, sizeof found);
    right += found == i;
  }
  printf("%ld %.6f %ld\n", n, now() - start, right);
  free(from);
  free(to);
  return 0;
}
