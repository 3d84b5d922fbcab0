#include "torture/support/scenario.h"

#include "share/space.h"
#include "torture/support/trace.h"

#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THIN_STEPS  7 /* thin: kill points of a scenario, spread over its steps, */
#define THIN_PLACES 7 /* and over the places of the code, which loops don't crowd out */
#define THIN_PAIRS  13
#define PAIRS       1000 /* in full */
#define LOOP        1000
#define LOOP_STEP   53

static bool full;
static unsigned seed;
static unsigned hang = 60; /* seconds that nothing takes */
static const char *text = "";
static long scenarios, failures, instructions, kills;
static uint64_t slowest;

/* Starts the program anew with a memcpy that takes 128 bytes at a time: the other one is
 * a single instruction that stops after each byte when it is stepped. */
static void step_faster(char **argv) {
  if (getenv("GLIBC_TUNABLES") != NULL)
    return;
  setenv("GLIBC_TUNABLES",
         "glibc.cpu.x86_rep_movsb_threshold=16777216:"
         "glibc.cpu.x86_rep_stosb_threshold=16777216",
         1);
  execv("/proc/self/exe", argv);
}

void torture_begin(int argc, char **argv) {
  step_faster(argv);
  mallopt(M_MMAP_THRESHOLD, 65536); /* the audits' large tables come zeroed */
  const char *mode = getenv("MOONCREW_TORTURE");
  full = mode != NULL && strcmp(mode, "full") == 0;
  seed = (unsigned)time(NULL);
  for (int option; (option = getopt(argc, argv, "fs:a:")) != -1;) {
    if (option == 'f')
      full = true;
    else if (option == 's')
      seed = (unsigned)strtoul(optarg, NULL, 10);
    else if (option == 'a')
      hang = (unsigned)strtoul(optarg, NULL, 10);
    else
      exit(2);
  }
  if (optind < argc)
    text = argv[optind];
  setvbuf(stdout, NULL, _IOLBF, 0);
  srandom(seed);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof(one), &one);
  ledger_open();
}

void point_begin(const struct scenario *scenario) {
  alarm(hang);
  ledger_clear();
  me = 0;
  int rc = mc_space_create(scenario->limit ? scenario->limit : (uint64_t)8 << 20);
  if (rc != 0)
    fail("no space: %d", rc);
  scenario->setup();
}

void point_end(const struct scenario *scenario, long k) {
  use_unreaped((int)(k % 3));
  mc_members_reap();
  check_structure();
  check_messages();
  if (scenario->check)
    scenario->check();
  check_works();
  check_nothing_left();
  check_structure();
  mc_member_leave();
  mc_space_destroy();
}

/* About `wanted` of n things, at even distances from a random one on. */
struct spread {
  long step, next;
};

static struct spread spread(long n, long wanted) {
  long step = n / wanted > 0 ? n / wanted : 1;
  return (struct spread){step, random() % step};
}

static bool takes(struct spread *spread, long i) {
  if (i != spread->next)
    return false;
  spread->next += spread->step;
  return true;
}

/* Which instructions of an operation to die at. In full all are, but deep in a loop
 * (copying bytes, cutting up a span) only one in LOOP_STEP, which is prime. */
struct choice {
  long n, place;
  struct spread steps, places;
};

static struct choice choice_of(long n) {
  long places = 0;
  for (long k = 0; k < n; k++)
    places += trace_before(k) == k;
  return (struct choice){n, 0, spread(n, THIN_STEPS), spread(places, THIN_PLACES)};
}

/* To be asked for each k in turn. */
static bool chosen(struct choice *choice, long k) {
  if (full)
    return k - trace_before(k) <= LOOP || k % LOOP_STEP == 0;
  bool by_step = takes(&choice->steps, k);
  bool by_place = trace_before(k) == k && takes(&choice->places, choice->place++);
  return by_step || by_place || k < 2 || k >= choice->n - 1;
}

/* In the tester process. */
static void run_all(const struct scenario *scenario, kill_at *at, bool pairs) {
  srandom(seed + (unsigned)scenarios);
  if (pairs) {
    for (int i = full ? PAIRS : THIN_PAIRS; i > 0; i--) {
      ledger->k = 0;
      at(scenario, random());
      ledger->kills += 2;
    }
    return;
  }
  ledger->k = LONG_MAX;
  at(scenario, LONG_MAX);
  long n = ledger->k;
  ledger->instructions = n;
  ledger->kills++;
  struct choice choice = choice_of(n);
  for (long k = 0; k < n; k++) {
    if (!chosen(&choice, k))
      continue;
    long before = trace_before(k);
    ledger->k = full || k - before < LOOP ? k : before + k % LOOP;
    at(scenario, ledger->k);
    ledger->kills++;
  }
}

/* Runs one scenario in a process of its own: NULL or why it failed. */
static const char *run_one(const struct scenario *scenario, kill_at *at, bool pairs) {
  static char why[500];
  memset(ledger, 0, sizeof(*ledger));
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_all(scenario, at, pairs);
    _exit(0);
  }
  int status = -1;
  if (pid < 0 || waitpid(pid, &status, 0) < 0)
    return "no process";
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return NULL;
  if (WIFSIGNALED(status))
    snprintf(why, sizeof(why), "killed at %ld, %ld: the others %s%d", ledger->k,
             ledger->j, WTERMSIG(status) == SIGALRM ? "hang: signal " : "crash: signal ",
             WTERMSIG(status));
  else
    snprintf(why, sizeof(why), "%s", ledger->failure);
  return why;
}

void torture_run(const char *way, kill_at *at, bool pairs, const struct scenario *list,
                 size_t n) {
  for (size_t i = 0; i < n; i++) {
    char name[120];
    snprintf(name, sizeof(name), "%s%s", list[i].name, way);
    if (strstr(name, text) == NULL)
      continue;
    scenarios++;
    const char *why = run_one(&list[i], at, pairs);
    if (why) {
      failures++;
      printf("FAIL %s: %s (seed %u)\n", name, why, seed);
      continue;
    }
    char note[120];
    if (pairs)
      snprintf(note, sizeof(note), "%ld killed, in random pairs", ledger->kills);
    else
      snprintf(note, sizeof(note), "%ld instructions, killed at %ld of them",
               ledger->instructions, ledger->kills);
    printf("PASS %s: %s\n", name, note);
    if (full)
      printf("  %s: %s\n", name, note);
    if (ledger->slowest > slowest)
      slowest = ledger->slowest;
    instructions += ledger->instructions;
    kills += ledger->kills;
  }
}

int torture_end(void) {
  printf("  %ld scenarios, %ld instructions, %ld kills, seed %u\n", scenarios,
         instructions, kills, seed);
  if (slowest)
    printf("  a death was cleared up after at most %.1f ms\n", (double)slowest / 1e6);
  if (scenarios == 0)
    printf("FAIL nothing: no scenario's name contains '%s'\n", text);
  return failures || scenarios == 0;
}
