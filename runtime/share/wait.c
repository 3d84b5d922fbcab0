#include "share/wait.h"

#include "base/error.h"
#include "os/bell.h"
#include "os/cores.h"
#include "os/futex.h"
#include "share/cache.h"
#include "share/local.h"
#include "share/object.h"
#include "share/pause.h"
#include "share/sleep.h"
#include "share/wake.h"
#include "share/want.h"

#include <errno.h>
#include <signal.h>

#define SECOND 1000000000u

/* How long to spin, in nanoseconds. A sleeper on another core is awake 50 us after the
 * ring, so two who answer each other stay slow once they sleep, unless one looks that
 * long now and then. */
#define SPIN_LONG  60000u
#define SPIN_SHORT 1000u
#define TRY_AGAIN  32 /* short spins in a row before a long one */

/* A yield that takes so long, in nanoseconds, has cost a slice of somebody who computes.
 * Shorter ones are of use: what a busy pool gets done meanwhile needs no ring. */
#define YIELD_LONG       3000000u
#define YIELD_PAUSE_MOST 8191u

/* Set by a signal handler of this process, cleared by the wait that it ends. A mark and
 * not EINTR alone: that is lost when the signal comes just before the sleep, or with a
 * ring. */
static _Thread_local volatile sig_atomic_t interrupt
    __attribute__((tls_model("initial-exec")));

void mc_wait_interrupt(void) {
  interrupt = 1;
  if (mc_self) /* what is about to sleep sees that its bell has changed, and does not */
    __atomic_fetch_add(&mc_self->bell, 1, __ATOMIC_SEQ_CST);
}

static bool take_interrupt(void) {
  bool was = interrupt;
  interrupt = 0;
  return was;
}

bool mc_anything_new(const struct mc_wait_for *list, size_t n) {
  if (__atomic_load_n(&mc_self->bell, __ATOMIC_SEQ_CST) != mc_local->bell_seen)
    return true;
  for (size_t i = 0; i < n; i++)
    if (mc_want_is_ready(&list[i]))
      return true;
  return false;
}

void mc_bits_set(const struct mc_wait_for *list, size_t n, uint32_t first) {
  struct mc_slot *self = mc_self;
  for (size_t i = 0; i < n && first + i < MC_WAITS; i++)
    self->waits[first + i] = list[i].object;
  mc_order();
  self->n_waits = first + (uint32_t)n;
  mc_order();
  bool hungry = false;
  for (size_t i = 0; i < n; i++) {
    mc_mask_set(mc_want_mask(&list[i]), mc_slot_index(self));
    hungry |= list[i].want == MC_MEMORY;
  }
  if (hungry)
    mc_ring_sleepers(); /* what they have in magazines is needed: see mc_bell_sleep */
}

void mc_bell_sleep(enum mc_sleep how) {
  mc_awake_count(mc_self, false);
  __atomic_store_n(&mc_self->asleep, how, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&mc_space->scarce, __ATOMIC_SEQ_CST) != 0)
    mc_cache_flush_all();
}

/* false: it can't be noted. */
static bool owe(const struct mc_wait_for *wait) {
  struct mc_local *local = mc_local;
  if (local->n_owed == MC_OWED || (wait->object && mc_object_hold(wait->object) != 0))
    return false;
  local->owed[local->n_owed++] = *wait;
  return true;
}

void mc_owed_pass_on(void) {
  struct mc_local *local = mc_local;
  /* A full barrier, in a form that ThreadSanitizer understands. */
  __atomic_fetch_add(&mc_self->bell, 0, __ATOMIC_SEQ_CST);
  while (local->n_owed) {
    struct mc_wait_for wait = local->owed[--local->n_owed];
    if (mc_want_is_ready(&wait))
      mc_wake(mc_want_mask(&wait), 1);
    if (wait.object)
      mc_object_drop(wait.object);
  }
}

void mc_bits_clear(const struct mc_wait_for *list, size_t n, uint32_t first,
                   enum mc_woken woken) {
  for (size_t i = 0; i < n; i++) {
    struct mc_mask *mask = mc_want_mask(&list[i]);
    bool was_woken = !mc_mask_clear(mask, mc_slot_index(mc_self));
    if (!was_woken || woken == MC_TAKES || !mc_want_is_ready(&list[i]))
      continue;
    if (woken == MC_PASSES_ON || !owe(&list[i]))
      mc_wake(mask, 1);
  }
  mc_order();
  mc_self->n_waits = first;
}

void mc_bell_note(void) {
  mc_local->bell_seen = __atomic_load_n(&mc_self->bell, __ATOMIC_SEQ_CST);
}

static bool look_until(const struct mc_wait_for *list, size_t n, mc_time until) {
  do {
    for (int i = 0; i < 16; i++) {
      if (mc_anything_new(list, n))
        return true;
      mc_pause();
    }
  } while (mc_now() < until);
  return false;
}

/* Who computes on this core keeps it for a slice, milliseconds, where one that is woken
 * would have gone first: so it is not left to such a one again soon. */
static void note_yield(mc_time took) {
  struct mc_local *local = mc_local;
  if (took > YIELD_LONG) {
    uint32_t most = YIELD_PAUSE_MOST;
    local->yield_pause = local->yield_next > TRY_AGAIN ? local->yield_next : TRY_AGAIN;
    local->yield_next = local->yield_pause < most / 4 ? local->yield_pause * 4 : most;
  } else if (local->yield_next) {
    local->yield_next--;
  }
}

/* As look_until, and lets the others of this core go on meanwhile. */
static bool yield_until(const struct mc_wait_for *list, size_t n, mc_time now,
                        mc_time until) {
  do {
    mc_time before = now;
    mc_core_yield();
    now = mc_now();
    note_yield(now - before);
    if (mc_anything_new(list, n))
      return true;
  } while (now < until && mc_local->yield_pause == 0);
  return false;
}

/* Waits for a little while without sleeping, long where that has helped lately: looks all
 * the time if a core is free for it, else between those who have something to do. Not for
 * the end of a process alone: a child that is just forked would have to go to another
 * core, away from the caches, and take longer than the looking. */
static bool spin(const struct mc_wait_for *list, size_t n, mc_time now,
                 mc_time deadline) {
  if (n == 0)
    return false;
  bool alone = __atomic_load_n(&mc_space->awake, __ATOMIC_RELAXED) <= mc_space->cores;
  if (!alone && mc_local->yield_pause) {
    mc_local->yield_pause--;
    return false;
  }
  bool spin_long = mc_local->short_spins == 0 || mc_local->short_spins > TRY_AGAIN;
  mc_time until = now + (spin_long ? SPIN_LONG : SPIN_SHORT);
  if (until > deadline)
    until = deadline;
  bool helped = alone ? look_until(list, n, until) : yield_until(list, n, now, until);
  if (helped || spin_long)
    mc_local->short_spins = helped ? 0 : 1;
  else
    mc_local->short_spins++;
  return helped;
}

#define A_SECOND_PASSED 1

/* One sleep, at most a second: then the caller looks again too, since a child that is
 * killed before it is a member rings no bell. 0, A_SECOND_PASSED, MC_TIMEOUT or
 * MC_INTERRUPTED. */
static int sleep_once(const struct mc_wait_for *list, size_t n, mc_time deadline) {
  mc_time now = mc_now();
  if (now >= deadline)
    return MC_TIMEOUT;
  mc_time most = deadline - now < SECOND ? deadline - now : SECOND;
  int rc = mc_futex_wait(&mc_self->bell, mc_local->bell_seen, most);
  if (mc_anything_new(list, n))
    return 0;
  if (rc == -EINTR)
    return MC_INTERRUPTED;
  if (rc != -ETIMEDOUT || most < SECOND)
    return 0;
  mc_reap_without_watcher();
  return A_SECOND_PASSED;
}

static int sleep_until(const struct mc_wait_for *list, size_t n, mc_time deadline,
                       bool claim) {
  struct mc_slot *self = mc_self;
  uint32_t first = mc_local->armed ? self->n_waits : 0;
  int rc = 0;
  for (;;) {
    mc_bits_set(list, n, first);
    mc_bell_sleep(MC_SLEEPS_ON_BELL);
    if (mc_anything_new(list, n))
      break;
    rc = sleep_once(list, n, deadline);
    if (rc != 0 || mc_anything_new(list, n))
      break;
  }
  __atomic_store_n(&self->asleep, MC_AWAKE, __ATOMIC_SEQ_CST);
  mc_awake_count(self, true);
  if (rc == A_SECOND_PASSED)
    rc = 0;
  if (take_interrupt())
    rc = MC_INTERRUPTED;
  /* Who waits for one thing and is woken takes it; else the wake-up is passed on. */
  enum mc_woken ready = claim ? MC_OWES : n > 1 ? MC_PASSES_ON : MC_TAKES;
  mc_bits_clear(list, n, first, rc != 0 ? MC_PASSES_ON : ready);
  if (mc_local->armed) { /* called from inside the loop: it must look again as well */
    __atomic_store_n(&self->asleep, MC_SLEEPS_IN_LOOP, __ATOMIC_SEQ_CST);
    mc_bell_send(&mc_local->sender, mc_space->id, mc_bell_number(self));
  }
  return rc;
}

/* Where others sleep for the same, who is about to look for a while sets its bit as if it
 * slept: a waker rings it first, and need not wake one of them for what this one takes.
 */
static bool looks_with_bit(const struct mc_wait_for *list, size_t n) {
  return n == 1 && list->want != MC_MEMORY && !mc_local->armed &&
         __atomic_load_n(&mc_want_mask(list)->summary, __ATOMIC_RELAXED) != 0;
}

static int spin_and_sleep(const struct mc_wait_for *list, size_t n, mc_time now,
                          mc_time deadline, bool claim) {
  bool with_bit = looks_with_bit(list, n);
  if (with_bit) {
    mc_bits_set(list, n, 0);
    mc_mask_look(mc_want_mask(list), mc_slot_index(mc_self));
  }
  if (!spin(list, n, now, deadline))
    return sleep_until(list, n, deadline, claim);
  int rc = take_interrupt() ? MC_INTERRUPTED : 0;
  if (with_bit)
    mc_bits_clear(list, n, 0, rc != 0 ? MC_PASSES_ON : claim ? MC_OWES : MC_TAKES);
  return rc;
}

static int wait_for(const struct mc_wait_for *list, size_t n, mc_time deadline,
                    bool claim) {
  int rc = 0;
  if (__builtin_expect(mc_local->n_owed != 0, 0))
    mc_owed_pass_on();
  if (mc_anything_new(list, n)) {
    rc = take_interrupt() ? MC_INTERRUPTED : 0;
  } else {
    mc_time now = mc_now();
    if (now >= deadline)
      return MC_TIMEOUT;
    rc = spin_and_sleep(list, n, now, deadline, claim);
  }
  mc_bell_note();
  return rc;
}

int mc_wait(const struct mc_wait_for *list, size_t n, mc_time deadline) {
  return wait_for(list, n, deadline, false);
}

int mc_wait_claim(const struct mc_wait_for *list, size_t n, mc_time deadline) {
  return wait_for(list, n, deadline, true);
}
