/* Many processes do random operations on shared dicts, lists and a queue, and are killed
 * at random moments; a sequential model agrees with what is found.
 *
 *   worker ─ notes what it is about to do ─ does it ─ notes that it returned
 *      └ the ledger outlives it: the next process in its place finds the note and looks
 *        which it was: done or not; nothing in between, and done if it had returned
 *
 * Each worker has keys and indices of its own, so its model is exact and every result is
 * checked at once. What is shared by all has parts: a worker's digits of a counter,
 * numbers that come into a list or the queue once and leave it once. Every few seconds
 * all stand still: everything is compared, and the structure is checked.
 *
 * Usage: [SECONDS [SEED]] */
#include "base/error.h"
#include "os/clock.h"
#include "share/audit.h"
#include "share/object.h"
#include "torture/support/model.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WATCHER WORKERS

static struct mc_member main_member;
static pid_t pids[WORKERS + 1];
static struct mc_member members[WORKERS + 1];

static void work(unsigned worker) {
  model_resolve(worker);
  while (!__atomic_load_n(&model->stop, __ATOMIC_ACQUIRE)) {
    uint32_t which = model_any(100);
    if (which < 55)
      model_keys(worker);
    else if (which < 65)
      model_counters(worker);
    else if (which < 75)
      model_cells(worker);
    else if (which < 88)
      model_deque(worker);
    else
      model_queue(worker);
    model->operations[worker]++;
  }
}

static void collect(unsigned i, bool killed) {
  int status;
  waitpid(pids[i], &status, 0);
  if (status != 0 && !killed)
    model_fail("a process ended badly: status %d", status);
  mc_member_cancel(members[i]);
  if (i < WORKERS && model->worker[i].popping) { /* it may have taken one away */
    model->worker[i].popping = 0;
    model->unclear_pops++;
  }
}

static void start(unsigned i) {
  pid_t parent = getpid();
  uint64_t seed = ((uint64_t)model_any(UINT32_MAX) << 20) + i;
  struct mc_member member;
  if (mc_member_reserve(&member) != 0)
    model_fail("no member for process %u", i);
  members[i] = member;
  if (i == WATCHER)
    mc_members_set_watcher(member);
  pids[i] = fork();
  if (pids[i] < 0)
    model_fail("no process %u", i);
  if (pids[i] > 0)
    return;
  alarm(0);
  signal(SIGTERM, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  model_seed(seed);
  if (getppid() != parent || mc_member_adopt(member) != 0)
    _exit(2);
  if (i == WATCHER)
    mc_members_watch(main_member);
  else
    work(i);
  mc_member_leave();
  _exit(0);
}

static void storm(mc_time end) {
  while (mc_now() < end) {
    struct timespec pause = {0, (long)model_any(2000000)};
    nanosleep(&pause, NULL);
    unsigned i = model_any(30) ? model_any(WORKERS) : WATCHER;
    kill(pids[i], SIGKILL);
    collect(i, true);
    model->kills++;
    start(i);
  }
}

static void on_fault(void *context, const char *text) {
  (void)context;
  model_fail("audit: %s", text);
}

static void check_structure(void) {
  struct mc_audit audit = {.fault = on_fault};
  if (mc_audit(&audit) != 0)
    model_fail("the audit found %lu faults", audit.faults);
}

/* Everybody ends in order, and what is there is compared with the models. */
static void stand_still(void) {
  __atomic_store_n(&model->stop, 1, __ATOMIC_RELEASE);
  for (unsigned i = 0; i < WORKERS; i++)
    collect(i, false);
  kill(pids[WATCHER], SIGKILL);
  collect(WATCHER, true);
  mc_members_reap();
  check_structure();
  for (unsigned i = 0; i < WORKERS; i++)
    model_resolve(i);
  model_compare();
  check_structure();
  model->stop = 0;
}

static void on_end(int signal_number) {
  static const char hang[] = "FAIL model_random: it hangs\n";
  if (signal_number == SIGALRM)
    (void)!write(STDOUT_FILENO, hang, sizeof(hang) - 1);
  else
    (void)!write(STDOUT_FILENO, model->failure, strlen(model->failure));
  kill(0, SIGKILL);
}

static bool nothing_is_left(void) {
  struct mc_space_stats stats;
  model_drop();
  check_structure();
  mc_space_stats(&stats);
  if (stats.in_use == 0 && stats.objects == 0 && stats.members == 1)
    return true;
  printf("FAIL model_random: at the end %lu bytes, %u objects, %u members\n",
         stats.in_use, stats.objects, stats.members);
  return false;
}

int main(int argc, char **argv) {
  const char *mode = getenv("MOONCREW_TORTURE");
  double seconds = mode && strcmp(mode, "full") == 0 ? 3600 : 60;
  if (argc > 1)
    seconds = strtod(argv[1], NULL);
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
  printf("  %g seconds, seed %lu\n", seconds, seed);
  fflush(stdout);
  setpgid(0, 0);
  if (mc_space_create((uint64_t)128 << 20) != 0 || !model_open())
    return 1;
  signal(SIGALRM, on_end);
  signal(SIGTERM, on_end);
  alarm((unsigned)seconds + 100);
  model_seed(seed);
  main_member = mc_member_self();
  unsigned rounds = 0;
  for (mc_time end = mc_deadline(seconds); mc_now() < end; rounds++) {
    for (unsigned i = 0; i <= WORKERS; i++)
      start(i);
    mc_time round = mc_now() + 500000000 + (uint64_t)model_any(2000) * 1000000;
    storm(round < end ? round : end);
    stand_still();
  }
  bool good = nothing_is_left();
  uint64_t operations = 0;
  for (unsigned i = 0; i < WORKERS; i++)
    operations += model->operations[i];
  printf("  %lu kills, %lu operations, compared %u times\n", model->kills, operations,
         rounds);
  printf("  notes of the killed: %lu were done, %lu were not\n", model->were_done,
         model->were_not);
  if (good)
    printf("PASS model_random\n");
  return good ? 0 : 1;
}
