/* Who else is there when the victim dies. */
#include "torture/support/scenario.h"

#include "os/clock.h"
#include "share/layout.h"
#include "share/local.h"
#include "share/purge.h"
#include "share/queue_state.h"

#include <limits.h>
#include <sched.h>

/* Steps the victim k instructions. At the first time, to the end: notes how many there
 * are. */
static void step_to(const struct actor *victim, long k) {
  if (k == LONG_MAX)
    ledger->k = victim_finish(victim);
  else
    victim_go(victim, k);
}

static const struct role *other_role(const struct scenario *scenario) {
  return scenario->other.op ? &scenario->other : &scenario->role;
}

static unsigned start_helpers(const struct scenario *scenario, struct actor *helpers) {
  unsigned n = scenario->helpers ? scenario->helpers : 1;
  for (unsigned i = 0; i < n; i++)
    helpers[i] = helper_start(1 + i, other_role(scenario));
  return n;
}

static bool has_bit(const struct mc_mask *mask, uint32_t slot) {
  return __atomic_load_n(&mask->words[slot / 64], __ATOMIC_SEQ_CST) >> slot % 64 & 1;
}

/* No memory can be had: nor by a purge, were it not known that the last one gave none. */
static bool is_full(void) {
  if (mc_space->free_spans)
    return false;
  mc_local->purged_at = UINT32_MAX;
  if (mc_purge())
    fail("one sleeps for memory that is there");
  return true;
}

/* It sleeps on queues[0], and what it waits for is not there. */
static bool sleeps_in_vain(const struct actor *helper) {
  const struct mc_queue *queue = mc_at(queues[0]);
  uint32_t slot = helper->member.slot;
  if (!helper_asleep(helper))
    return false;
  if (has_bit(&mc_space->hungry, slot))
    return is_full(); /* it wants a span */
  if (mc_queue_is_closed(queue))
    return false;
  return (has_bit(&queue->readers, slot) && !mc_queue_has_items(queue)) ||
         (has_bit(&queue->writers, slot) && mc_queue_room(queue) == 0);
}

/* Waits until each helper is done, and has ended, or sleeps rightly; that one dies too.
 */
static void end_helpers(const struct actor *helpers, unsigned n) {
  for (unsigned i = 0; i < n;) {
    if (helper_done(&helpers[i]) || sleeps_in_vain(&helpers[i]))
      i++;
    else
      sched_yield();
  }
  for (unsigned i = 0; i < n; i++) {
    if (helper_done(&helpers[i]))
      helper_end(&helpers[i]);
    else
      actor_kill(&helpers[i]);
  }
}

void kill_alone(const struct scenario *scenario, long k) {
  point_begin(scenario);
  struct actor victim = victim_start(0, &scenario->role);
  step_to(&victim, k);
  actor_kill(&victim);
  if (scenario->role.no_adopt) /* it may not have come */
    mc_member_cancel(victim.member);
  point_end(scenario, k);
}

void kill_beside(const struct scenario *scenario, long k) {
  struct actor helpers[ACTORS];
  point_begin(scenario);
  unsigned n = start_helpers(scenario, helpers);
  struct actor victim = victim_start(0, &scenario->role);
  step_to(&victim, k);
  for (unsigned i = 0; i < n; i++) {
    helper_go(&helpers[i]);
    helper_settle(&helpers[i]);
  }
  actor_kill(&victim);
  bool asleep = false; /* on their bells: they wait for the ring that follows a death */
  for (unsigned i = 0; i < n; i++)
    asleep = asleep || helper_asleep(&helpers[i]);
  if (k % 2 || asleep)
    mc_members_reap();
  end_helpers(helpers, n);
  point_end(scenario, k);
}

static uint32_t rings(const struct actor *helper) {
  return __atomic_load_n(&mc_slot(helper->member.slot)->bell, __ATOMIC_SEQ_CST);
}

/* The dead one is reaped: whoever slept has been rung, so need not wait for its own
 * look, once a second. */
static void reap_and_ring(const struct actor *helpers, unsigned n) {
  uint32_t before[ACTORS];
  bool asleep[ACTORS];
  for (unsigned i = 0; i < n; i++) {
    before[i] = rings(&helpers[i]);
    asleep[i] = helper_asleep(&helpers[i]);
  }
  mc_members_reap();
  for (unsigned i = 0; i < n; i++)
    if (asleep[i] && !helper_done(&helpers[i]) && rings(&helpers[i]) == before[i])
      fail("actor %u slept when another died, and was not rung", helpers[i].index);
}

void kill_watched(const struct scenario *scenario, long k) {
  struct actor helpers[ACTORS];
  uint32_t before[ACTORS];
  point_begin(scenario);
  unsigned n = start_helpers(scenario, helpers);
  struct actor victim = victim_start(0, &scenario->role);
  for (unsigned i = 0; i < n; i++) {
    helper_go(&helpers[i]);
    helper_sleeps(&helpers[i]);
    before[i] = rings(&helpers[i]);
  }
  step_to(&victim, k);
  if (k == LONG_MAX) { /* nobody has died yet: the operation itself has woken one */
    bool rung = false;
    for (unsigned i = 0; i < n; i++)
      rung = rung || rings(&helpers[i]) != before[i];
    if (!rung)
      fail("nobody was woken");
  }
  actor_kill(&victim);
  reap_and_ring(helpers, n);
  end_helpers(helpers, n);
  point_end(scenario, k);
}

static struct mc_member main_member;

static void op_watch(void) {
  mc_members_watch(main_member);
}

/* The watcher, and nobody else, has cleared up after the dead one. */
static void await_watcher(const struct actor *victim) {
  mc_time start = mc_now();
  uint64_t mine = (uint64_t)victim->member.generation << 32 | MC_SEAT_USED;
  while (__atomic_load_n(&mc_space->seats[victim->member.slot], __ATOMIC_SEQ_CST) == mine)
    sched_yield();
  mc_time passed = mc_now() - start;
  if (passed > ledger->slowest)
    ledger->slowest = passed;
}

void kill_supervised(const struct scenario *scenario, long k) {
  static const struct role watch = {NULL, op_watch, false};
  struct actor helpers[ACTORS];
  point_begin(scenario);
  main_member = mc_member_self();
  struct actor watcher = helper_start(ACTORS - 1, &watch);
  mc_members_set_watcher(watcher.member);
  unsigned n = start_helpers(scenario, helpers);
  struct actor victim = victim_start(0, &scenario->role);
  helper_go(&watcher);
  for (unsigned i = 0; i < n; i++) {
    helper_go(&helpers[i]);
    helper_sleeps(&helpers[i]);
  }
  step_to(&victim, k);
  actor_kill(&victim);
  if (scenario->role.no_adopt) /* it may not have come */
    mc_member_cancel(victim.member);
  await_watcher(&victim);
  end_helpers(helpers, n);
  actor_kill(&watcher);
  point_end(scenario, k);
}

void kill_woken(const struct scenario *scenario, long k) {
  struct actor helpers[ACTORS];
  point_begin(scenario);
  struct actor victim = victim_start(0, &scenario->role);
  unsigned n = start_helpers(scenario, helpers);
  victim_sleep(&victim);
  for (unsigned i = 0; i < n; i++) {
    helper_go(&helpers[i]);
    helper_sleeps(&helpers[i]);
  }
  scenario->poke();
  step_to(&victim, k);
  actor_kill(&victim);
  reap_and_ring(helpers, n);
  end_helpers(helpers, n);
  point_end(scenario, k);
}

void kill_reaped(const struct scenario *scenario, long k) {
  point_begin(scenario);
  struct actor first = victim_start(0, &scenario->role);
  struct actor reaper = victim_start(1, &scenario->other);
  victim_step(&first, scenario->dies_at);
  actor_kill(&first);
  step_to(&reaper, k);
  actor_kill(&reaper);
  point_end(scenario, k);
}

void kill_twice(const struct scenario *scenario, long k) {
  static long n; /* this scenario's instructions: it has this process for itself */
  if (n == 0) {
    kill_alone(scenario, LONG_MAX);
    n = ledger->k;
  }
  ledger->k = k % n;
  ledger->j = k / n % (n + 200); /* recovery makes the second one's way longer */
  point_begin(scenario);
  struct actor first = victim_start(0, &scenario->role);
  struct actor second = victim_start(1, other_role(scenario));
  victim_go(&first, ledger->k);
  actor_kill(&first);
  victim_step(&second, ledger->j);
  actor_kill(&second);
  point_end(scenario, k);
}
