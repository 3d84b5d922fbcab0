/* Victims and helpers of which one sleeps until the other gives back, sets or comes.
 *
 * What a helper waits for in vain, since the victim died before it did it, ends at a
 * deadline: its result says which. */
#include "torture/support/locks.h"

#include "base/error.h"
#include "share/barrier.h"
#include "share/condition.h"
#include "share/event.h"
#include "share/mutex.h"
#include "share/object.h"
#include "share/semaphore.h"
#include "share/wait.h"

#define IN_VAIN 0.3 /* seconds */

static uint32_t ticket;
static struct mc_arrival arrival;

static void note(int result) {
  ledger->result[me - 1] = result;
}

static void drop(void) {
  mc_object_drop(the_sync);
}

/* ---- locks and semaphores: the dead give back too, so nobody waits in vain */

static void op_lock(void) {
  struct mc_wait_for unlocked = {the_sync, MC_UNLOCKED};
  while (mc_mutex_try(the_sync, 0, 1) < 0)
    mc_wait(&unlocked, 1, MC_FOREVER);
  mc_mutex_release(the_sync, 0, true, 1);
}

static void warm_lock(void) {
  mc_mutex_try(the_sync, 0, 1);
}

static void op_unlock(void) {
  mc_mutex_release(the_sync, 0, true, 1);
}

static void setup_held_lock(void) {
  setup_lock();
  warm_lock();
}

static void op_permit(void) {
  struct mc_wait_for permit = {the_sync, MC_PERMIT};
  while (mc_semaphore_try(the_sync) != 0)
    mc_wait(&permit, 1, MC_FOREVER);
  mc_semaphore_release(the_sync, 1);
}

static void warm_permits(void) {
  mc_semaphore_try(the_sync);
  mc_semaphore_try(the_sync);
}

static void op_give_permit(void) {
  mc_semaphore_release(the_sync, 1);
}

static void setup_held_semaphore(void) {
  setup_semaphore();
  warm_permits();
}

/* ---- events, conditions, barriers */

static void op_wait_for_event(void) {
  mc_time deadline = mc_deadline(IN_VAIN);
  struct mc_wait_for set = {the_sync, MC_SET};
  while (!mc_event_is_set(the_sync) && mc_now() < deadline)
    mc_wait(&set, 1, deadline);
  note(mc_event_is_set(the_sync));
}

static void op_set(void) {
  mc_event_set(the_sync);
}

static void check_event(void) {
  for (int i = 1; i <= 2; i++)
    if (mc_event_is_set(the_sync) && !ledger->result[i])
      fail("actor %d slept although the event was set", i);
  drop();
}

static void enter(void) {
  mc_condition_enter(the_sync, &ticket);
}

static void op_wait_for_notification(void) {
  mc_time deadline = mc_deadline(IN_VAIN);
  while (!mc_condition_notified(the_sync, ticket) && mc_now() < deadline)
    mc_wait(NULL, 0, deadline);
  note(mc_condition_leave(the_sync, ticket, true));
}

static void op_notify(void) {
  mc_condition_notify(the_sync, 1);
}

static void check_condition(void) {
  if (ledger->done[0] && ledger->result[1] + ledger->result[2] != 1)
    fail("one notification woke %d", ledger->result[1] + ledger->result[2]);
  drop();
}

static void come(void) {
  if (mc_barrier_enter(the_sync, &arrival) < 0)
    fail("nobody may come");
}

static void op_wait_at_barrier(void) {
  mc_time deadline = mc_deadline(IN_VAIN);
  while (mc_barrier_state(the_sync, &arrival) == MC_BARRIER_SHUT && mc_now() < deadline)
    mc_wait(NULL, 0, deadline);
  note(mc_barrier_leave(the_sync, &arrival));
}

static void check_barrier(void) {
  if (ledger->done[0] && ledger->result[1] != MC_BARRIER_OPEN)
    fail("the barrier opened, and one got %d", ledger->result[1]);
  drop();
}

const struct scenario lock_sleep_scenarios[] = {
    {"lock release, two wait", .setup = setup_lock, .role = {warm_lock, op_unlock, false},
     .other = {NULL, op_lock, false}, .helpers = 2, .check = drop},
    {"semaphore release, two wait", .setup = setup_semaphore,
     .role = {warm_permits, op_give_permit, false}, .other = {NULL, op_permit, false},
     .helpers = 2, .check = drop},
    {"event set, two wait", .setup = setup_event, .role = {NULL, op_set, false},
     .other = {NULL, op_wait_for_event, false}, .helpers = 2, .check = check_event},
    {"condition notify, two wait", .setup = setup_condition,
     .role = {NULL, op_notify, false}, .other = {enter, op_wait_for_notification, false},
     .helpers = 2, .check = check_condition},
    {"barrier, one waits and the last one comes", .setup = setup_barrier,
     .role = {NULL, come, false}, .other = {come, op_wait_at_barrier, false},
     .check = check_barrier},
};
const size_t n_lock_sleep_scenarios =
    sizeof(lock_sleep_scenarios) / sizeof(*lock_sleep_scenarios);

const struct scenario lock_woken_scenarios[] = {
    {"woken by a release", .setup = setup_held_lock, .role = {NULL, op_lock, false},
     .other = {NULL, op_lock, false}, .poke = op_unlock, .check = drop},
    {"woken by a permit", .setup = setup_held_semaphore, .role = {NULL, op_permit, false},
     .other = {NULL, op_permit, false}, .poke = op_give_permit, .check = drop},
};
const size_t n_lock_woken_scenarios =
    sizeof(lock_woken_scenarios) / sizeof(*lock_woken_scenarios);
