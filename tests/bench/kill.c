/* The limit of kill.lua: a child with 50 MB of memory of its own is killed; how long
 * until its parent's waitpid() returns. bench_kill N; prints N times the median. */
#include "bench/support/limit.h"

#include <string.h>

#define HEAP ((size_t)50 << 20)

/* In seconds; negative: it did not end by that signal. */
static double kill_one(volatile uint32_t *ready) {
  *ready = 0;
  pid_t pid = fork_bound();
  if (pid == 0) {
    char *heap = malloc(HEAP);
    if (!heap)
      _exit(1);
    memset(heap, 1, HEAP);
    *ready = 1;
    for (;;)
      pause();
  }
  while (!*ready)
    usleep(1000);
  int status;
  double start = now();
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? now() - start : -1;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char *argv[]) {
  long n = count_of(argc, argv, 0, "bench_kill N"), right = 0;
  volatile uint32_t *ready = shared(4096);
  double *took = calloc((size_t)n, sizeof *took);
  if (!took)
    return 1;
  for (long i = 0; i < n; i++) {
    took[i] = kill_one(ready);
    right += took[i] >= 0;
  }
  qsort(took, (size_t)n, sizeof *took, by_size);
  printf("%ld %.6f %ld\n", n, took[n / 2] * (double)n, right);
  free(took);
  return 0;
}
