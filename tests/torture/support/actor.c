#include "torture/support/actor.h"

#include "os/futex.h"
#include "share/layout.h"
#include "torture/support/ledger.h"
#include "torture/support/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

struct mc_member own_member;

/* Hands over to the tracer, at this very instruction where that is possible. */
static inline __attribute__((always_inline)) void halt(void) {
#if defined(__x86_64__)
  __asm__ volatile("int3" ::: "memory");
#else
  raise(SIGSTOP);
#endif
}

static void begin(const struct actor *actor, const struct role *role, pid_t tester) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != tester)
    _exit(1);
  me = actor->index + 1;
  own_member = actor->member;
  if (!role->no_adopt && mc_member_adopt(own_member) != 0)
    fail("actor %u could not adopt", actor->index);
  if (role->warm)
    role->warm();
}

static struct actor reserve(unsigned index) {
  struct actor actor = {.index = index};
  int rc = mc_member_reserve(&actor.member);
  if (rc != 0)
    fail("no member for actor %u: %d", index, rc);
  return actor;
}

struct actor victim_start(unsigned index, const struct role *role) {
  struct actor victim = reserve(index);
  pid_t tester = getpid();
  victim.pid = fork();
  if (victim.pid == 0) {
    begin(&victim, role, tester);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
      fail("no ptrace: %s", strerror(errno));
    ledger->ready[index] = 1;
    halt();
    role->op();
    ledger->done[index] = 1;
    halt();
    _exit(0);
  }
  int status;
  if (victim.pid < 0 || waitpid(victim.pid, &status, 0) < 0 || !WIFSTOPPED(status))
    fail("actor %u did not start", index);
  ptrace(PTRACE_SETOPTIONS, victim.pid, NULL, (void *)PTRACE_O_EXITKILL);
  return victim;
}

static void one_step(const struct actor *victim) {
  int status;
  if (ptrace(PTRACE_SINGLESTEP, victim->pid, NULL, NULL) != 0 ||
      waitpid(victim->pid, &status, 0) < 0)
    fail("actor %u can't be stepped: %s", victim->index, strerror(errno));
  if (!WIFSTOPPED(status))
    fail("actor %u ended by itself: %x", victim->index, (unsigned)status);
  if (WSTOPSIG(status) != SIGTRAP)
    fail("actor %u got signal %d", victim->index, WSTOPSIG(status));
}

static bool is_over(const struct actor *victim) {
  return __atomic_load_n(&ledger->done[victim->index], __ATOMIC_ACQUIRE) != 0;
}

bool victim_step(const struct actor *victim, long n) {
  for (long i = 0; i < n && !is_over(victim); i++)
    one_step(victim);
  return !is_over(victim);
}

bool victim_go(const struct actor *victim, long k) {
  long step = trace_before(k);
  if (step > 0 && !trace_run(victim->pid, step))
    return false;
  return victim_step(victim, k - step);
}

long victim_finish(const struct actor *victim) {
  long n = 0;
  for (; !is_over(victim); n++) {
    trace_note(victim->pid, n);
    one_step(victim);
  }
  return n;
}

static bool sleeps_on_bell(const struct actor *actor) {
  const struct mc_slot *slot = mc_slot(actor->member.slot);
  return __atomic_load_n(&slot->asleep, __ATOMIC_SEQ_CST) == MC_SLEEPS_ON_BELL;
}

/* The process's state letter; 'S' is asleep. 0 when it does not exist. */
static char state_of(pid_t pid) {
  char path[32], text[256];
  snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t n = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  const char *end = strrchr(text, ')');
  return end && end[1] ? end[2] : 0;
}

void victim_sleep(const struct actor *victim) {
  int status;
  ptrace(PTRACE_CONT, victim->pid, NULL, NULL);
  while (!sleeps_on_bell(victim) || state_of(victim->pid) != 'S')
    sched_yield();
  kill(victim->pid, SIGSTOP);
  if (waitpid(victim->pid, &status, 0) < 0 || !WIFSTOPPED(status))
    fail("actor %u did not stop", victim->index);
}

void actor_kill(const struct actor *actor) {
  int status;
  kill(actor->pid, SIGKILL);
  while (waitpid(actor->pid, &status, 0) == actor->pid && WIFSTOPPED(status))
    continue;
}

struct actor helper_start(unsigned index, const struct role *role) {
  struct actor helper = reserve(index);
  pid_t tester = getpid();
  helper.pid = fork();
  if (helper.pid == 0) {
    begin(&helper, role, tester);
    __atomic_store_n(&ledger->ready[index], 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&ledger->go[index], __ATOMIC_SEQ_CST) == 0)
      mc_futex_wait(&ledger->go[index], 0, MC_FUTEX_SLEEP_FOREVER);
    role->op();
    __atomic_store_n(&ledger->done[index], 1, __ATOMIC_SEQ_CST);
    mc_member_leave();
    _exit(0);
  }
  if (helper.pid < 0)
    fail("no process for actor %u", index);
  while (__atomic_load_n(&ledger->ready[index], __ATOMIC_SEQ_CST) == 0)
    sched_yield();
  return helper;
}

void helper_go(const struct actor *helper) {
  __atomic_store_n(&ledger->go[helper->index], 1, __ATOMIC_SEQ_CST);
  mc_futex_wake(&ledger->go[helper->index], INT_MAX);
}

bool helper_done(const struct actor *helper) {
  return is_over(helper);
}

void helper_settle(const struct actor *helper) {
  /* It may still sleep in front of its operation: first it must have woken from that. */
  while (!is_over(helper)) {
    sched_yield();
    if (mc_slot(helper->member.slot)->n_held && state_of(helper->pid) == 'S')
      return; /* on a lock */
    if (helper_asleep(helper))
      return;
  }
}

bool helper_asleep(const struct actor *helper) {
  return sleeps_on_bell(helper) && state_of(helper->pid) == 'S';
}

void helper_sleeps(const struct actor *helper) {
  while (!helper_asleep(helper)) {
    if (is_over(helper))
      fail("actor %u had nothing to sleep for", helper->index);
    sched_yield();
  }
}

void helper_end(const struct actor *helper) {
  int status;
  if (waitpid(helper->pid, &status, 0) < 0)
    fail("actor %u is gone", helper->index);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    fail("actor %u ended with %x: %s", helper->index, (unsigned)status, ledger->failure);
}
