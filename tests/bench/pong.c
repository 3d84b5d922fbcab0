/* The limits of pingpong.lua: N rounds of a word to another process and back, by looking
 * at shared memory, by a futex for each side, or by two pipes; with BUSY processes at
 * work beside them. bench_pong spin|futex|pipe BUSY N */
#include "bench/support/limit.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>

/* Whose turn it is: it counts up, even is the first one's. Each on a line of its own. */
static uint32_t *turn;
static int there[2], back[2];

static void await_look(uint32_t wanted) {
  unsigned looks = 0;
  while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != wanted)
    look_again(&looks);
}

static void await_futex(uint32_t wanted) {
  uint32_t found;
  while ((found = __atomic_load_n(turn, __ATOMIC_ACQUIRE)) != wanted)
    syscall(SYS_futex, turn, FUTEX_WAIT, found, NULL, NULL, 0);
}

static void pass_word(uint32_t to) {
  __atomic_store_n(turn, to, __ATOMIC_RELEASE);
}

static void pass_futex(uint32_t to) {
  pass_word(to);
  syscall(SYS_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Side 0 begins, side 1 answers; n rounds. */
static void by_words(int side, long n, void (*await)(uint32_t), void (*pass)(uint32_t)) {
  for (uint32_t i = 0; i < (uint32_t)n; i++) {
    if (side == 1)
      await(2 * i + 1);
    pass(2 * i + 1 + (uint32_t)side);
    if (side == 0)
      await(2 * i + 2);
  }
}

static void by_pipes(int side, long n) {
  uint64_t word = 0;
  int in = side ? there[0] : back[0], out = side ? back[1] : there[1];
  for (long i = 0; i < n; i++) {
    if (side == 1 && read(in, &word, sizeof word) != sizeof word)
      _exit(1);
    word++;
    if (write(out, &word, sizeof word) != sizeof word)
      _exit(1);
    if (side == 0 && read(in, &word, sizeof word) != sizeof word)
      _exit(1);
  }
  *turn = (uint32_t)word;
}

static void play(const char *how, int side, long n) {
  if (!strcmp(how, "spin"))
    by_words(side, n, await_look, pass_word);
  else if (!strcmp(how, "futex"))
    by_words(side, n, await_futex, pass_futex);
  else
    by_pipes(side, n);
}

/* Processes that do nothing but keep cores busy. */
static void start_busy(pid_t *pids, int n) {
  for (int i = 0; i < n; i++) {
    pids[i] = fork_bound();
    while (pids[i] == 0)
      __builtin_ia32_pause();
  }
}

#define BUSY_MOST 64

int main(int argc, char *argv[]) {
  long n = count_of(argc, argv, 2, "bench_pong spin|futex|pipe BUSY N");
  int busy = atoi(argv[2]);
  if (busy < 0 || busy > BUSY_MOST || pipe(there) != 0 || pipe(back) != 0)
    return 2;
  turn = shared(4096);
  pid_t pids[BUSY_MOST];
  start_busy(pids, busy);
  pid_t peer = fork_bound();
  if (peer == 0) {
    play(argv[1], 1, n);
    _exit(0);
  }
  double start = now();
  play(argv[1], 0, n);
  double took = now() - start;
  waitpid(peer, NULL, 0);
  for (int i = 0; i < busy; i++) {
    kill(pids[i], SIGKILL);
    waitpid(pids[i], NULL, 0);
  }
  printf("%ld %.6f %u\n", n, took, *turn / 2);
  return 0;
}
