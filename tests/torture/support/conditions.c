/* Victims that wait together: conditions and barriers; and those that make such things.
 */
#include "torture/support/locks.h"

#include "base/error.h"
#include "share/barrier.h"
#include "share/condition.h"
#include "share/connection.h"
#include "share/mutex.h"
#include "share/object.h"
#include "share/sync_layout.h"

static uint32_t tickets[3]; /* of the tester; those of actors are in their own memory */
static struct mc_arrival arrivals[3];

static void end(void) {
  check_structure();
  mc_object_drop(the_sync);
}

/* ---- conditions */

void setup_condition(void) {
  mc_ref lock;
  if (mc_mutex_create(true, &lock) != 0 || mc_condition_create(lock, &the_sync) != 0)
    fail("no condition");
  mc_object_drop(lock);
  make_queue(0, 0, MC_RETURN);
}

static void enter(unsigned n) {
  if (mc_condition_enter(the_sync, &tickets[n]) != 0)
    fail("the tester can't wait");
}

static void setup_one_waits(void) {
  setup_condition();
  enter(0);
}

static void setup_two_wait(void) {
  setup_one_waits();
  enter(1);
}

static void op_enter(void) {
  mc_condition_enter(the_sync, &tickets[2]);
}

static void op_notify(void) {
  mc_condition_notify(the_sync, 1);
}

static void op_notify_all(void) {
  mc_condition_notify(the_sync, UINT32_MAX);
}

/* Notified alone, though the tester waits for a longer time. */
static void enter_notified(void) {
  struct mc_sync *sync = mc_at(the_sync);
  op_enter();
  mc_roll_entry(sync, mc_roll_find(sync, tickets[2]))->b = 1;
}

static void op_leave(void) {
  mc_condition_leave(the_sync, tickets[2], false);
}

static void op_leave_taken(void) {
  mc_condition_leave(the_sync, tickets[2], true);
}

static void setup_dead_one_notified(void) {
  setup_one_waits();
  die_after(enter_notified);
}

static void op_look(void) {
  mc_condition_notified(the_sync, tickets[2]);
}

static bool notified(unsigned n) {
  return mc_condition_notified(the_sync, tickets[n]);
}

static void check_nobody_waits(void) {
  if (mc_condition_waiting(the_sync) != 0)
    fail("the dead wait");
  end();
}

static void check_first_notified(void) {
  bool first = notified(0);
  if (notified(1))
    fail("two were notified");
  if (!first && victim_was_done())
    fail("the notification is lost");
  if (mc_condition_leave(the_sync, tickets[0], false) != first || notified(1) != first)
    fail("the notification was not passed on");
  mc_condition_leave(the_sync, tickets[1], true);
  end();
}

static void check_all_notified(void) {
  if (notified(0) != notified(1) || (!notified(0) && victim_was_done()))
    fail("one of two was notified");
  mc_condition_leave(the_sync, tickets[0], true);
  mc_condition_leave(the_sync, tickets[1], true);
  end();
}

/* What the dead one did not take is the tester's. */
static void check_passed_on(void) {
  if (!notified(0))
    fail("the notification is lost");
  mc_condition_leave(the_sync, tickets[0], true);
  check_nobody_waits();
}

static void check_taken(void) {
  if (notified(0) && victim_was_done())
    fail("the notification was taken, and is there again");
  mc_condition_leave(the_sync, tickets[0], true);
  check_nobody_waits();
}

/* ---- barriers */

static void make_barrier(uint32_t parties, mc_ref action) {
  if (mc_barrier_create(parties, action, &the_sync) != 0)
    fail("no barrier");
  make_queue(0, 0, MC_RETURN);
}

static void come(unsigned n) {
  if (mc_barrier_enter(the_sync, &arrivals[n]) < 0)
    fail("nobody may come");
}

void setup_barrier(void) {
  make_barrier(2, 0);
}

static void setup_one_of_two(void) {
  setup_barrier();
  come(0);
}

static void setup_one_of_three(void) {
  make_barrier(3, 0);
  come(0);
}

static void setup_action(void) {
  mc_ref action;
  const struct mc_queue_options options = {0, MC_RETURN};
  if (mc_queue_create(&options, &action) != 0)
    fail("no queue for the action");
  make_barrier(2, action);
  mc_object_drop(action);
  come(0);
}

static void op_come(void) {
  come(2);
}

static void op_open(void) {
  mc_barrier_open(the_sync, &arrivals[2]);
}

static void op_give_up(void) {
  mc_barrier_leave(the_sync, &arrivals[2]);
}

static void op_break(void) {
  mc_barrier_break(the_sync);
}

static void op_reset(void) {
  mc_barrier_reset(the_sync);
}

static void setup_dead_one_of_three(void) {
  setup_one_of_three();
  die_after(op_come);
}

static void op_look_at_barrier(void) {
  mc_barrier_state(the_sync, &arrivals[0]);
}

/* The tester's phase, and then the barrier is as new. */
static void check_phase(bool may_wait, bool may_open, bool may_break) {
  int state = mc_barrier_state(the_sync, &arrivals[0]);
  if ((state == MC_BARRIER_SHUT && !may_wait) ||
      (state == MC_BARRIER_OPEN && !may_open) || (state == MC_BROKEN && !may_break))
    fail("the phase is %d", state);
  if (state == MC_BARRIER_SHUT && mc_barrier_waiting(the_sync) != 1)
    fail("%u wait at the barrier", mc_barrier_waiting(the_sync));
  if (mc_barrier_leave(the_sync, &arrivals[0]) != state)
    fail("the phase is no more %d", state);
  mc_barrier_reset(the_sync);
  for (uint32_t i = 1; i <= mc_barrier_parties(the_sync); i++) {
    struct mc_arrival arrival;
    int rc = mc_barrier_enter(the_sync, &arrival);
    if (rc < 0 || arrival.index != i)
      fail("the next one to come gets %d", rc);
  }
  mc_barrier_break(the_sync);
  end();
}

static void check_came(void) {
  check_phase(!victim_was_done(), false, true);
}

static void check_last_came(void) {
  check_phase(!victim_was_done(), true, false);
}

static void check_opened(void) {
  check_phase(false, true, !victim_was_done());
}

static void check_broken(void) {
  check_phase(false, false, true);
}

static void check_broken_by_op(void) {
  check_phase(!victim_was_done(), false, true);
}

/* ---- making and letting go */

static void setup_nothing(void) {
  make_queue(0, 0, MC_RETURN);
}

static void op_make_condition(void) {
  mc_ref lock;
  mc_mutex_create(false, &lock);
  mc_condition_create(lock, &the_sync);
  mc_object_drop(lock);
}

static void op_make_connection(void) {
  mc_connection_create(queues[0], 0, &the_sync);
}

static void op_drop(void) {
  mc_object_drop(the_sync);
}

/* With a roll in a block of its own. */
static void warm_condition(void) {
  op_make_condition();
  for (uint32_t i = 0; i <= MC_ROLL_INLINE; i++)
    op_enter();
}

#define CONDITION(name, start, warm, op, checks)                                         \
  { "condition " name, .setup = start, .role = {warm, op, false}, .check = checks }
#define BARRIER(name, start, warm, op, checks)                                           \
  { "barrier " name, .setup = start, .role = {warm, op, false}, .check = checks }

const struct scenario condition_scenarios[] = {
    CONDITION("enter", setup_condition, NULL, op_enter, check_nobody_waits),
    CONDITION("notify", setup_two_wait, NULL, op_notify, check_first_notified),
    CONDITION("notify all", setup_two_wait, NULL, op_notify_all, check_all_notified),
    CONDITION("leave, passing on", setup_one_waits, enter_notified, op_leave,
              check_passed_on),
    CONDITION("leave", setup_one_waits, enter_notified, op_leave_taken, check_taken),
    CONDITION("look at the dead", setup_dead_one_notified, op_enter, op_look,
              check_passed_on),
    BARRIER("enter", setup_one_of_three, NULL, op_come, check_came),
    BARRIER("enter, the last one", setup_one_of_two, NULL, op_come, check_last_came),
    BARRIER("open after the action", setup_action, op_come, op_open, check_opened),
    BARRIER("leave, giving up", setup_one_of_three, op_come, op_give_up, check_broken),
    BARRIER("look at the dead", setup_dead_one_of_three, NULL, op_look_at_barrier,
            check_broken),
    BARRIER("abort", setup_one_of_three, NULL, op_break, check_broken_by_op),
    BARRIER("reset", setup_one_of_three, NULL, op_reset, check_broken_by_op),
    {"make a condition", .setup = setup_nothing,
     .role = {NULL, op_make_condition, false}},
    {"let go of a condition", .setup = setup_nothing,
     .role = {warm_condition, op_drop, false}},
    {"make a connection", .setup = setup_nothing,
     .role = {NULL, op_make_connection, false}},
    {"let go of a connection", .setup = setup_nothing,
     .role = {op_make_connection, op_drop, false}},
};
const size_t n_condition_scenarios =
    sizeof(condition_scenarios) / sizeof(*condition_scenarios);
