#include "torture/support/trace.h"

#include "torture/support/ledger.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#if defined(__x86_64__)

#define STEPS  (1 << 20)
#define PLACES (1 << 16) /* of the table of addresses seen, a power of two */

static unsigned long *address; /* of each step */
static long *first;            /* the last step up to this one that came to a new place */
static unsigned long seen[PLACES];
static long seen_n;

/* true when the address was not there before. */
static bool is_new(unsigned long at) {
  if (seen_n > PLACES / 2)
    return false;
  for (unsigned long i = at * 0x9e3779b1u;; i++) {
    unsigned long *place = &seen[i & (PLACES - 1)];
    if (*place == at)
      return false;
    if (*place == 0) {
      *place = at;
      seen_n++;
      return true;
    }
  }
}

void trace_note(pid_t pid, long n) {
  if (address == NULL) {
    address = calloc(STEPS, sizeof(*address));
    first = calloc(STEPS, sizeof(*first));
    if (address == NULL || first == NULL)
      fail("no memory for a trace");
  }
  if (n == 0) {
    memset(seen, 0, sizeof(seen));
    seen_n = 0;
  }
  if (n >= STEPS)
    return;
  errno = 0;
  long at = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), NULL);
  if (errno)
    fail("no registers: %s", strerror(errno));
  address[n] = (unsigned long)at;
  first[n] = is_new(address[n]) ? n : n ? first[n - 1] : 0;
}

long trace_before(long k) {
  return address && k < STEPS ? first[k] : 0;
}

bool trace_run(pid_t pid, long step) {
  void *at = (void *)address[step];
  errno = 0;
  long code = ptrace(PTRACE_PEEKTEXT, pid, at, NULL);
  if (errno || ptrace(PTRACE_POKETEXT, pid, at, (void *)((code & ~0xffL) | 0xcc)) != 0)
    fail("no breakpoint: %s", strerror(errno));
  int status;
  if (ptrace(PTRACE_CONT, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) < 0)
    fail("it can't be run: %s", strerror(errno));
  if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
    fail("it stopped with %x", (unsigned)status);
  struct user_regs_struct registers;
  ptrace(PTRACE_GETREGS, pid, NULL, &registers);
  if (registers.rip != address[step] + 1)
    return false; /* the end of the operation: it went another way this time */
  registers.rip--;
  if (ptrace(PTRACE_POKETEXT, pid, at, (void *)code) != 0 ||
      ptrace(PTRACE_SETREGS, pid, NULL, &registers) != 0)
    fail("no breakpoint: %s", strerror(errno));
  return true;
}

#else

void trace_note(pid_t pid, long n) {
  (void)pid;
  (void)n;
}

long trace_before(long k) {
  (void)k;
  return 0;
}

bool trace_run(pid_t pid, long step) {
  (void)pid;
  return step == 0;
}

#endif
