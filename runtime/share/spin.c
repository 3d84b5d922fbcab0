/* Looking, yielding and resting, whichever is of use; none of it is needed for anything
 * to be right. */
#include "share/spin.h"

#include "os/cores.h"
#include "os/futex.h"
#include "share/local.h"
#include "share/pause.h"
#include "share/sleep.h"
#include "share/wake.h"

/* How long to spin, in nanoseconds. A sleeper on another core is awake 50 us after the
 * ring, so two who answer each other stay slow once they sleep, unless one looks that
 * long now and then. */
#define SPIN_LONG  60000u
#define SPIN_SHORT 1000u
#define TRY_AGAIN  32 /* short spins in a row before a long one */

/* Who takes each item as it comes, one by one, is in step with who puts them: each waits
 * for lines of the other's cache then, or sleeps and is rung, all the time. After a rest
 * there are so many that the two write and read far from each other.
 *
 * In step: so many waits for a queue in a row that ended after so few looks, or slept so
 * short, without a put in between, which an answer might follow. Nanoseconds. */
#define IN_STEP     4
#define FEW_LOOKS   5
#define SHORT_SLEEP 100000u
#define REST        20000u
#define NAP         50000u /* where the core is needed */

/* A yield that takes so long, in nanoseconds, has cost a slice of somebody who computes.
 * Shorter ones are of use: what a busy pool gets done meanwhile needs no ring. */
#define YIELD_LONG       3000000u
#define YIELD_PAUSE_MOST 8191u

/* Between two looks at a lock: each takes the line of the cache from its holder, who may
 * else take it many times meanwhile. */
#define LOCK_PAUSES 64

static bool is_for(enum mc_want want, const struct mc_wait_for *list, size_t n) {
  return n == 1 && (list->want & 0xff) == want;
}

static void note_step(const struct mc_wait_for *list, size_t n, bool quick) {
  mc_local->in_step = quick && is_for(MC_READABLE, list, n) ? mc_local->in_step + 1 : 0;
}

static bool is_in_step(const struct mc_wait_for *list, size_t n) {
  if (mc_local->in_step < IN_STEP || !is_for(MC_READABLE, list, n))
    return false;
  mc_local->in_step = 0;
  return true;
}

static void rest(mc_time until) {
  mc_time end = mc_now() + REST;
  while (mc_now() < end && end < until)
    mc_pause();
}

static bool look_until(const struct mc_wait_for *list, size_t n, mc_time until) {
  bool first = true;
  int pauses = is_for(MC_UNLOCKED, list, n) ? LOCK_PAUSES : 1;
  if (is_in_step(list, n))
    rest(until);
  do {
    for (int i = 0; i < 16; i += pauses) {
      if (mc_anything_new(list, n)) {
        note_step(list, n, first && i < FEW_LOOKS);
        return true;
      }
      for (int k = 0; k < pauses; k++)
        mc_pause();
    }
    first = false;
  } while (mc_now() < until);
  mc_local->in_step = 0;
  return false;
}

/* A sleep without a bit, so that nobody rings for what it waits for. */
static bool nap(const struct mc_wait_for *list, size_t n) {
  mc_awake_count(mc_self, false);
  mc_futex_wait(&mc_self->bell, mc_local->bell_seen, NAP);
  mc_awake_count(mc_self, true);
  return mc_anything_new(list, n);
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

/* Long where that has helped lately. */
static bool spin(const struct mc_wait_for *list, size_t n, bool alone, mc_time now,
                 mc_time deadline) {
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

/* Looks all the time if a core is free for it, else between those who have something to
 * do. Not for the end of a process alone: a child that is just forked would have to go to
 * another core, away from the caches, and take longer than the looking. */
bool mc_spin(const struct mc_wait_for *list, size_t n, mc_time now, mc_time deadline) {
  if (n == 0)
    return false;
  bool alone = __atomic_load_n(&mc_space->awake, __ATOMIC_RELAXED) <= mc_space->cores;
  if (!alone && deadline - now > NAP && is_in_step(list, n))
    return nap(list, n);
  if (!alone && mc_local->yield_pause) {
    mc_local->yield_pause--;
    return false;
  }
  return spin(list, n, alone, now, deadline);
}

void mc_spin_slept(const struct mc_wait_for *list, size_t n, mc_time took, bool found) {
  note_step(list, n, found && took < SHORT_SLEEP);
}
