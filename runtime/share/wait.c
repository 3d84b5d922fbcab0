#include "share/wait.h"

#include "base/error.h"
#include "os/bell.h"
#include "os/futex.h"
#include "share/cache.h"
#include "share/local.h"
#include "share/object.h"
#include "share/sleep.h"
#include "share/spin.h"
#include "share/wake.h"
#include "share/want.h"

#include <errno.h>
#include <signal.h>

#define SECOND 1000000000u

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
  mc_time began = mc_now();
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
  mc_spin_slept(list, n, mc_now() - began, rc == 0);
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
  if (!mc_spin(list, n, now, deadline))
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
