/* Producers, consumers and the watcher are killed at random moments and started anew, for
 * many seconds. What was put must be taken, once, unless its taker was killed with it.
 *
 *   producer ─ puts ─► two queues ─ takes ─► consumer
 *      both note each message in a ledger that outlives them, before and after
 *
 * Usage: [SECONDS [SEED]] */
#include "base/error.h"
#include "os/clock.h"
#include "share/audit.h"
#include "share/layout.h"
#include "share/object.h"
#include "share/queue.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IDS       (1u << 26)
#define PRODUCERS 3
#define CONSUMERS 3
#define WORKERS   (PRODUCERS + CONSUMERS + 1) /* the last one is the watcher */
#define WATCHER   (WORKERS - 1)
#define LONGEST   40000u
#define BATCH     8

enum { NEVER, BEGUN, OVER };

static struct {
  uint64_t next; /* id */
  uint32_t stop;
  uint64_t again; /* messages that came a second time, rightly */
  uint8_t put[IDS];
  uint8_t settled[IDS];
  char failure[200];
} * ledger;

/* One that loses nothing when a taker dies, one that buries what the dead had in hand;
 * one that messages refer to. */
static mc_ref queues[2], referred;
static struct mc_member main_member;
static pid_t workers[WORKERS];
static struct mc_member members[WORKERS];
static uint64_t state; /* of random numbers */

static _Noreturn void fail(const char *why, uint64_t number) {
  snprintf(ledger->failure, sizeof(ledger->failure), "FAIL storm: %s (%lu)\n", why,
           number);
  kill(0, SIGTERM);
  _exit(1);
}

static uint32_t any(uint32_t below) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33) % below;
}

static size_t any_length(void) {
  uint32_t which = any(100);
  return sizeof(uint32_t) + (which < 80   ? any(300)
                             : which < 99 ? any(5000)
                                          : any(LONGEST - 10));
}

static mc_time any_deadline(void) {
  return any(3) ? MC_FOREVER : mc_now() + any(300000);
}

static void fill(unsigned char *bytes, size_t length, uint32_t id) {
  memset(bytes, (int)(id * 31 & 0xff), length);
  memcpy(bytes, &id, sizeof(id));
}

static uint32_t read_id(const struct mc_lease *lease) {
  uint32_t id;
  memcpy(&id, lease->bytes, sizeof(id));
  if (id == 0 || id >= IDS || ledger->put[id] == NEVER)
    fail("a message that was never put", id);
  for (size_t i = sizeof(id); i < lease->length; i++)
    if (lease->bytes[i] != (id * 31 & 0xff))
      fail("a torn message", id);
  return id;
}

static void produce_some(void) {
  static unsigned char bytes[5][LONGEST];
  struct mc_message messages[5];
  uint32_t n = any(4) ? 1 : 5;
  uint64_t id = __atomic_fetch_add(&ledger->next, n, __ATOMIC_RELAXED);
  if (id + n >= IDS)
    return;
  for (uint32_t i = 0; i < n; i++) {
    size_t length = any_length();
    fill(bytes[i], length, (uint32_t)id + i);
    messages[i] = (struct mc_message){.bytes = bytes[i],
                                      .length = length,
                                      .handles = &referred,
                                      .n_handles = any(50) == 0 ? 1u : 0u};
    ledger->put[id + i] = BEGUN;
  }
  int rc = mc_queue_put(queues[any(2)], messages, n, any_deadline());
  for (int i = 0; i < rc; i++)
    ledger->put[id + (uint32_t)i] = OVER;
}

static void make_and_drop(void) {
  const struct mc_queue_options options = {0, MC_RETURN};
  struct mc_message message = {
      .bytes = "filler", .length = 6, .handles = &referred, .n_handles = 1};
  mc_ref queue;
  if (mc_queue_create(&options, &queue) != 0)
    return;
  for (uint32_t i = any(5); i > 0; i--)
    mc_queue_try_put(queue, &message, 1);
  mc_object_drop(queue);
}

static void producer(void) {
  while (!__atomic_load_n(&ledger->stop, __ATOMIC_ACQUIRE) && ledger->next < IDS - 10) {
    produce_some();
    if (any(200) == 0)
      make_and_drop();
  }
}

static void deal_with(const struct mc_lease *lease) {
  uint32_t id = read_id(lease);
  if (ledger->settled[id] == OVER)
    fail("a settled message came back", id);
  if (any(20) == 0) {
    mc_lease_return(lease);
    return;
  }
  if (__atomic_exchange_n(&ledger->settled[id], BEGUN, __ATOMIC_SEQ_CST) == BEGUN)
    __atomic_fetch_add(&ledger->again, 1, __ATOMIC_RELAXED);
  mc_lease_settle(lease);
  __atomic_store_n(&ledger->settled[id], OVER, __ATOMIC_SEQ_CST);
}

/* true when there will be no more. */
static bool consume_some(mc_ref queue, mc_time deadline) {
  struct mc_lease leases[BATCH];
  int n = mc_queue_take(queue, leases, 1 + any(BATCH), deadline);
  for (int i = 0; i < n; i++)
    deal_with(&leases[i]);
  while (mc_queue_take_dead(queue, leases, NULL, NULL) == 1)
    deal_with(leases);
  return n == MC_CLOSED;
}

static void consumer(void) {
  unsigned closed = 0;
  while (closed < 2) {
    closed = 0;
    for (unsigned i = 0; i < 2; i++)
      closed += consume_some(queues[i], mc_now() + any(300000));
  }
}

/* It has ended, maybe before it became a member. */
static void collect(unsigned worker, bool killed) {
  int status;
  waitpid(workers[worker], &status, 0);
  if (status != 0 && !killed)
    fail("a worker ended badly", (uint64_t)status);
  mc_member_cancel(members[worker]);
}

static void start(unsigned worker) {
  struct mc_member member;
  pid_t parent = getpid();
  uint64_t seed = ((uint64_t)any(UINT32_MAX) << 20) + worker;
  if (mc_member_reserve(&member) != 0)
    fail("no member", worker);
  members[worker] = member;
  if (worker == WATCHER)
    mc_members_set_watcher(member);
  workers[worker] = fork();
  if (workers[worker] < 0)
    fail("no process", worker);
  if (workers[worker] > 0)
    return;
  alarm(0);
  signal(SIGTERM, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  state = seed;
  if (getppid() != parent || mc_member_adopt(member) != 0)
    fail("not adopted", worker);
  if (worker == WATCHER)
    mc_members_watch(main_member);
  else if (worker < PRODUCERS)
    producer();
  else
    consumer();
  mc_member_leave();
  _exit(0);
}

static long storm(double seconds) {
  long kills = 0;
  mc_time end = mc_deadline(seconds);
  while (mc_now() < end && ledger->next < IDS - 10) {
    struct timespec pause = {0, (long)any(2000000)};
    nanosleep(&pause, NULL);
    unsigned worker = any(20) ? any(WATCHER) : WATCHER;
    kill(workers[worker], SIGKILL);
    collect(worker, true);
    kills++;
    start(worker);
  }
  return kills;
}

/* Everybody ends in order; the queues are drained by the consumers, and by us of what
 * came back late. */
static void calm_down(void) {
  __atomic_store_n(&ledger->stop, 1, __ATOMIC_RELEASE);
  for (unsigned i = 0; i < WATCHER; i++) {
    if (i == PRODUCERS)
      for (unsigned q = 0; q < 2; q++)
        mc_queue_close(queues[q]);
    collect(i, false);
  }
  kill(workers[WATCHER], SIGKILL);
  collect(WATCHER, true);
  mc_members_reap();
  for (unsigned q = 0; q < 2; q++)
    while (!consume_some(queues[q], MC_NOW))
      continue;
}

static void on_fault(void *context, const char *text) {
  (void)context;
  printf("FAIL storm: audit: %s\n", text);
}

static bool structure_is_whole(void) {
  struct mc_audit audit = {.fault = on_fault};
  struct mc_space_stats stats;
  bool whole = mc_audit(&audit) == 0;
  mc_object_drop(queues[0]);
  mc_object_drop(queues[1]);
  mc_object_drop(referred);
  mc_space_stats(&stats);
  if (stats.in_use || stats.objects || stats.members != 1) {
    printf("FAIL storm: at the end %lu bytes, %u objects, %u members\n", stats.in_use,
           stats.objects, stats.members);
    whole = false;
  }
  return whole && mc_audit(&audit) == 0;
}

static bool all_are_there(long kills) {
  uint64_t put = 0, settled = 0, lost = 0;
  for (uint64_t id = 1; id < ledger->next && id < IDS; id++) {
    put += ledger->put[id] == OVER;
    settled += ledger->settled[id] == OVER;
    lost += ledger->put[id] == OVER && ledger->settled[id] == NEVER;
  }
  printf("  %ld kills, %lu messages put, %lu settled, %lu came again, %lu lost\n", kills,
         put, settled, ledger->again, lost);
  if (lost)
    printf("FAIL storm: %lu messages are lost\n", lost);
  return lost == 0;
}

static void on_end(int signal_number) {
  static const char hang[] = "FAIL storm: it hangs\n";
  if (signal_number == SIGALRM)
    (void)!write(STDOUT_FILENO, hang, sizeof(hang) - 1);
  else
    (void)!write(STDOUT_FILENO, ledger->failure, strlen(ledger->failure));
  kill(0, SIGKILL);
}

int main(int argc, char **argv) {
  const char *mode = getenv("MOONCREW_TORTURE");
  double seconds = mode && strcmp(mode, "full") == 0 ? 180 : 8;
  if (argc > 1)
    seconds = strtod(argv[1], NULL);
  state = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
  printf("  %g seconds, seed %lu\n", seconds, state);
  fflush(stdout);
  setpgid(0, 0);
  signal(SIGALRM, on_end);
  signal(SIGTERM, on_end);
  alarm((unsigned)seconds + 100);
  ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (ledger == MAP_FAILED || mc_space_create((uint64_t)64 << 20) != 0)
    return 1;
  ledger->next = 1;
  main_member = mc_member_self();
  const struct mc_queue_options options[] = {{1000, MC_RETURN}, {0, MC_BURY}};
  if (mc_queue_create(&options[0], &queues[0]) != 0 ||
      mc_queue_create(&options[1], &queues[1]) != 0 ||
      mc_queue_create(&options[0], &referred) != 0)
    return 1;
  for (unsigned i = 0; i < WORKERS; i++)
    start(i);
  long kills = storm(seconds);
  calm_down();
  bool good = all_are_there(kills);
  good = structure_is_whole() && good;
  if (good)
    printf("PASS storm\n");
  return good ? 0 : 1;
}
