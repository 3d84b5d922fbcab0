/* Victims that take, give back and set. */
#include "torture/support/locks.h"

#include "base/error.h"
#include "share/event.h"
#include "share/member_state.h"
#include "share/mutex.h"
#include "share/object.h"
#include "share/semaphore.h"
#include "share/sync_layout.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

mc_ref the_sync;

void die_after(void (*fn)(void)) {
  struct mc_member member;
  if (mc_member_reserve(&member) != 0)
    fail("no member to die");
  pid_t pid = fork();
  if (pid == 0) {
    if (mc_member_adopt(member) == 0)
      fn();
    raise(SIGKILL);
  }
  int status;
  if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSIGNALED(status))
    fail("a member did not die");
}

bool victim_was_done(void) {
  return ledger->done[0] || ledger->done[1];
}

static void begin(int error) {
  if (error)
    fail("no object: %d", error);
  make_queue(0, 0, MC_RETURN);
}

static void end(void) {
  check_structure();
  mc_object_drop(the_sync);
}

/* ---- locks */

void setup_lock(void) {
  begin(mc_mutex_create(false, &the_sync));
}

void setup_rlock(void) {
  begin(mc_mutex_create(true, &the_sync));
}

static void op_acquire(void) {
  int rc = mc_mutex_try(the_sync, 0, 1);
  if (me) /* not one of those that die before all */
    ledger->result[me - 1] = rc;
}

static void op_release(void) {
  mc_mutex_release(the_sync, 0, true, 1);
}

static void warm_acquire(void) {
  if (mc_mutex_try(the_sync, 0, 1) < 0)
    fail("the lock is held");
}

static void warm_acquire_twice(void) {
  if (mc_mutex_try(the_sync, 0, 2) < 0)
    fail("the lock is held");
}

static void setup_abandoned(void) {
  setup_lock();
  die_after(op_acquire);
}

/* The next one gets it, and gives it back; then nothing is strange any more. */
static void take_it(bool may_be_clean, bool may_be_abandoned) {
  int rc = mc_mutex_try(the_sync, 0, 1);
  if (!(rc == MC_TAKEN && may_be_clean) && !(rc == MC_ABANDONED && may_be_abandoned))
    fail("the next acquire gave %d", rc);
  if (mc_mutex_depth(the_sync, 0) != 1 || mc_mutex_release(the_sync, 0, true, 1) != 0 ||
      mc_mutex_locked(the_sync) || mc_mutex_try(the_sync, 0, 1) != MC_TAKEN)
    fail("the lock is not as new");
  end();
}

/* It may have been refused while another one was inside, who then died. */
static void check_acquired(void) {
  bool taken = false;
  for (unsigned i = 0; i < 2; i++)
    taken = taken || (ledger->done[i] && ledger->result[i] > 0);
  take_it(!taken, true);
}

static void check_released(void) {
  take_it(true, !victim_was_done());
}

static void check_abandoned(void) {
  take_it(false, true);
}

/* ---- semaphores */

static void make_semaphore(uint64_t n, bool bounded) {
  begin(mc_semaphore_create(n, bounded, &the_sync));
}

void setup_semaphore(void) {
  make_semaphore(2, true);
}

static void op_permit(void) {
  mc_semaphore_try(the_sync);
}

static void op_permits(void) {
  op_permit();
  op_permit();
}

static void op_give_permit(void) {
  mc_semaphore_release(the_sync, 1);
}

static void setup_signals(void) {
  make_semaphore(0, false);
  mc_semaphore_release(the_sync, 2);
}

static void setup_dead_permits(void) {
  setup_semaphore();
  die_after(op_permits);
}

/* The roll is full: members without a process have a permit each. */
static struct mc_member crowd[MC_ROLL_INLINE];

static void setup_full_roll(void) {
  make_semaphore(MC_ROLL_INLINE + 1, true);
  struct mc_sync *sync = mc_at(the_sync);
  for (uint32_t i = 0; i < MC_ROLL_INLINE; i++) {
    if (mc_member_reserve(&crowd[i]) != 0)
      fail("no member for the crowd");
    sync->entries[i] = (struct mc_entry){mc_member_pack(crowd[i]), 1, 0};
  }
  sync->n_roll = MC_ROLL_INLINE;
  sync->value = 1;
}

static void check_value(uint64_t least, uint64_t most) {
  uint64_t value = mc_semaphore_value(the_sync);
  if (value < least || value > most)
    fail("the semaphore has %lu permits", value);
  for (uint64_t i = 0; i < value; i++)
    if (mc_semaphore_try(the_sync) != 0)
      fail("permit %lu can't be taken", i);
  if (mc_semaphore_try(the_sync) != MC_BUSY)
    fail("a permit too many");
}

static void check_two(void) {
  check_value(2, 2);
  end();
}

/* Each took at most one, and one who was killed may have it without having said so. */
static void check_signals(void) {
  uint64_t began = 0, took = 0;
  for (unsigned i = 0; i < 2; i++) {
    began += ledger->ready[i];
    took += ledger->done[i];
  }
  check_value(2 - began, 2 - took);
  end();
}

static void check_crowd(void) {
  check_value(1, 1);
  for (uint32_t i = 0; i < MC_ROLL_INLINE; i++)
    mc_member_cancel(crowd[i]);
  if (mc_semaphore_value(the_sync) != MC_ROLL_INLINE)
    fail("the crowd's permits did not come back");
  end();
}

/* ---- events */

void setup_event(void) {
  begin(mc_event_create(&the_sync));
}

static void setup_set(void) {
  setup_event();
  mc_event_set(the_sync);
}

static void op_set(void) {
  mc_event_set(the_sync);
}

static void op_clear(void) {
  mc_event_clear(the_sync);
}

static void check_event(bool set_when_done) {
  if (victim_was_done() && mc_event_is_set(the_sync) != set_when_done)
    fail("the event is not what was made of it");
  op_set();
  op_clear();
  if (mc_event_is_set(the_sync))
    fail("the event can't be cleared");
  end();
}

static void check_set(void) {
  check_event(true);
}

static void check_cleared(void) {
  check_event(false);
}

/* ---- messages marked done */

static void setup_done(enum mc_on_death on_death) {
  const struct mc_queue_options options = {.on_death = on_death};
  begin(mc_queue_create(&options, &the_sync));
  struct mc_message message = {.bytes = "1234", .length = 4};
  for (int i = 0; i < 3; i++)
    mc_queue_try_put(the_sync, &message, 1);
}

static void setup_counted(void) {
  setup_done(MC_RETURN);
}

static void setup_kept(void) {
  setup_done(MC_REDELIVER);
}

static void take_two(bool keep) {
  struct mc_lease leases[2];
  if (mc_queue_try_take(the_sync, leases, 2) != 2)
    fail("there are no two");
  for (int i = 0; i < 2; i++) {
    if (keep)
      mc_lease_keep(&leases[i], 0);
    else
      mc_lease_settle(&leases[i]);
  }
}

static void warm_take(void) {
  take_two(false);
}

static void warm_keep(void) {
  take_two(true);
}

static void op_task_done(void) {
  mc_queue_task_done(the_sync, 0);
}

static void check_done(bool redelivers) {
  uint64_t unfinished = mc_queue_unfinished(the_sync);
  uint64_t size = mc_queue_size(the_sync);
  if (unfinished != 2 && (unfinished != 3 || victim_was_done()))
    fail("%lu are not done", unfinished);
  if (size != (redelivers ? unfinished : 1))
    fail("%lu are there, %lu are not done", size, unfinished);
  struct mc_lease lease;
  while (mc_queue_try_take(the_sync, &lease, 1) == 1)
    mc_lease_settle(&lease);
  end();
}

static void check_counted(void) {
  check_done(false);
}

static void check_kept(void) {
  check_done(true);
}

const struct scenario lock_scenarios[] = {
    {"lock acquire", .setup = setup_lock, .role = {NULL, op_acquire, false},
     .check = check_acquired},
    {"lock acquire, abandoned", .setup = setup_abandoned,
     .role = {NULL, op_acquire, false}, .check = check_abandoned},
    {"semaphore acquire", .setup = setup_semaphore, .role = {NULL, op_permit, false},
     .check = check_two},
    {"semaphore acquire, second permit", .setup = setup_semaphore,
     .role = {op_permit, op_permit, false}, .check = check_two},
    {"semaphore acquire, for signals", .setup = setup_signals,
     .role = {NULL, op_permit, false}, .check = check_signals},
    {"semaphore acquire, all permits are of the dead", .setup = setup_dead_permits,
     .role = {NULL, op_permit, false}, .check = check_two},
    {"semaphore acquire, the roll grows", .setup = setup_full_roll,
     .role = {NULL, op_permit, false}, .check = check_crowd},
    {"semaphore release", .setup = setup_semaphore,
     .role = {op_permit, op_give_permit, false}, .check = check_two},
    {"semaphore release, one of two", .setup = setup_semaphore,
     .role = {op_permits, op_give_permit, false}, .check = check_two},
    {"event set", .setup = setup_event, .role = {NULL, op_set, false},
     .check = check_set},
    {"event clear", .setup = setup_set, .role = {NULL, op_clear, false},
     .check = check_cleared},
};
const size_t n_lock_scenarios = sizeof(lock_scenarios) / sizeof(*lock_scenarios);

const struct scenario lock_once_scenarios[] = {
    {"lock release", .setup = setup_lock, .role = {warm_acquire, op_release, false},
     .check = check_released},
    {"rlock acquire, second time", .setup = setup_rlock,
     .role = {warm_acquire, op_acquire, false}, .check = check_abandoned},
    {"rlock release, one of two", .setup = setup_rlock,
     .role = {warm_acquire_twice, op_release, false}, .check = check_abandoned},
    {"task_done", .setup = setup_counted, .role = {warm_take, op_task_done, false},
     .check = check_counted},
    {"task_done, redelivering", .setup = setup_kept,
     .role = {warm_keep, op_task_done, false}, .check = check_kept},
};
const size_t n_lock_once_scenarios =
    sizeof(lock_once_scenarios) / sizeof(*lock_once_scenarios);
