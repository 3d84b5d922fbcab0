/* A process is killed at every instruction of what others see without its lock: what they
 * have told a script is not taken back. */
#include "torture/support/scenarios.h"

#include "share/barrier.h"
#include "share/layout.h"
#include "share/lease.h"
#include "share/local.h"
#include "share/object.h"
#include "share/sync_layout.h"

#include <limits.h>

static mc_ref barrier;

static void setup_redeliver(void) {
  make_queue(0, 0, MC_REDELIVER);
  make_queue(1, 0, MC_RETURN);
  put(0, 1, 1, 100);
}

static void warm_keep(void) {
  struct mc_lease lease;
  churn(1, 1, 100);
  if (mc_queue_try_take(queues[0], &lease, 1) != 1)
    fail("there is nothing to take");
  mc_lease_keep(&lease, 0);
}

static void op_task_done(void) {
  ledger->entry[1].settle = BEGUN;
  mc_queue_task_done(queues[0], 0);
}

static void setup_barrier(void) {
  make_queue(0, 0, MC_RETURN);
  if (mc_barrier_create(3, 0, &barrier) != 0)
    fail("no barrier");
}

static void op_break(void) {
  mc_barrier_break(barrier);
}

static void op_look(void) {
  ledger->result[1] = mc_barrier_broken(barrier);
}

/* Who looks stands where it has just left the lock. */
static void step_over_lock(const struct actor *looker) {
  const struct mc_sync *sync = mc_at(barrier);
  while (sync->lock.word == 0)
    if (!victim_step(looker, 1))
      fail("the lock was not taken");
  while (sync->lock.word != 0)
    victim_step(looker, 1);
}

static void go(const struct actor *victim, long k) {
  if (k == LONG_MAX)
    ledger->k = victim_finish(victim);
  else
    victim_go(victim, k);
}

/* The victim marks the last message done: who saw that may go on for good. */
static void kill_joined(const struct scenario *scenario, long k) {
  point_begin(scenario);
  struct actor victim = victim_start(0, &scenario->role);
  go(&victim, k);
  actor_kill(&victim);
  bool seen = mc_queue_all_done(queues[0]);
  mc_members_reap();
  if (seen && !mc_queue_all_done(queues[0]))
    fail("all was done, and then it was not");
  point_end(scenario, k);
}

/* The victim breaks a barrier while another one looks. */
static void kill_breaker(const struct scenario *scenario, long k) {
  point_begin(scenario);
  struct actor looker = victim_start(1, &scenario->other);
  struct actor victim = victim_start(0, &scenario->role);
  step_over_lock(&looker);
  go(&victim, k);
  while (victim_step(&looker, 1))
    continue;
  actor_kill(&victim);
  actor_kill(&looker);
  mc_members_reap();
  if (ledger->result[1] && !mc_barrier_broken(barrier))
    fail("the barrier was broken, and then it was not");
  mc_object_drop(barrier);
  point_end(scenario, k);
}

static const struct scenario joined = {"task_done, another joins",
                                       .setup = setup_redeliver,
                                       .role = {warm_keep, op_task_done, false}};
static const struct scenario breaks = {
    "break a barrier, another looks", .setup = setup_barrier,
    .role = {NULL, op_break, false}, .other = {NULL, op_look, false}};

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run("", kill_joined, false, &joined, 1);
  torture_run("", kill_breaker, false, &breaks, 1);
  return torture_end();
}
