/* What the programs of tests/bench share that show what the machine can do at all. Each
 * takes a count as its last word and prints: operations, seconds, a check. */
#ifndef BENCH_SUPPORT_LIMIT_H
#define BENCH_SUPPORT_LIMIT_H

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The last word as a count of at least 1; with a wrong number of words, exits. */
static inline long count_of(int argc, char *argv[], int words, const char *usage) {
  long n = argc == words + 2 ? atol(argv[argc - 1]) : 0;
  if (n < 1) {
    fprintf(stderr, "usage: %s\n", usage);
    exit(2);
  }
  return n;
}

/* Memory that a child shares. */
static inline void *shared(size_t bytes) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) {
    perror("mmap");
    exit(1);
  }
  return p;
}

/* fork() of a child that does not outlive its parent. */
static inline pid_t fork_bound(void) {
  pid_t parent = getpid(), pid = fork();
  if (pid < 0) {
    perror("fork");
    exit(1);
  }
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
      _exit(1);
  }
  return pid;
}

/* Between two looks at memory that another process is to change. */
static inline void look_again(unsigned *looks) {
  if (++*looks % 1024 == 0) /* it may be waiting for this core */
    sched_yield();
  __builtin_ia32_pause();
}

#endif
