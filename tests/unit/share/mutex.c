/* Locks that programs hold. */
#include "support.h"

#include "share/mutex.h"

static mc_ref new_mutex(bool reentrant) {
  mc_ref mutex = 0;
  assert_int_equal(mc_mutex_create(reentrant, &mutex), 0);
  return mutex;
}

static void test_take_and_release(void **state) {
  (void)state;
  mc_ref lock = new_mutex(false);
  assert_int_equal(mc_object_kind(lock), MC_KIND_LOCK);
  assert_false(mc_mutex_locked(lock));
  assert_int_equal(mc_mutex_release(lock, 0, false, 1), MC_NOTHELD);
  assert_int_equal(mc_mutex_try(lock, 0, 1), MC_TAKEN);
  assert_true(mc_mutex_locked(lock));
  assert_int_equal(mc_mutex_try(lock, 0, 1), MC_DEADLOCK);
  assert_int_equal(mc_mutex_try(lock, 7, 1), MC_BUSY); /* another task */
  assert_int_equal(mc_mutex_release(lock, 7, true, 1), MC_NOTOWNER);
  assert_int_equal(mc_mutex_release(lock, 7, false, 1), 0); /* as in Python */
  assert_int_equal(mc_mutex_try(lock, 7, 1), MC_TAKEN);
  assert_int_equal(mc_mutex_depth(lock, 7), 1);
  assert_int_equal(mc_mutex_depth(lock, 0), 0);
  audit_now();
}

static void test_reentrant(void **state) {
  (void)state;
  mc_ref lock = new_mutex(true);
  assert_int_equal(mc_object_kind(lock), MC_KIND_RLOCK);
  for (int i = 0; i < 3; i++)
    assert_int_equal(mc_mutex_try(lock, 1, 1), MC_TAKEN);
  assert_int_equal(mc_mutex_depth(lock, 1), 3);
  assert_int_equal(mc_mutex_release(lock, 2, false, 1), MC_NOTOWNER);
  assert_int_equal(mc_mutex_release(lock, 1, false, 1), 0);
  assert_int_equal(mc_mutex_try(lock, 2, 1), MC_BUSY);
  assert_int_equal(mc_mutex_release(lock, 1, false, 2), 0);
  assert_int_equal(mc_mutex_try(lock, 2, 5), MC_TAKEN);
  assert_int_equal(mc_mutex_depth(lock, 2), 5);
  audit_now();
}

static int takes_and_hangs(void *arg) {
  if (mc_mutex_try(*(mc_ref *)arg, 0, 1) != MC_TAKEN)
    return 1;
  set_mark(0, 1);
  return hang();
}

/* The next one need not wait until the dead one is reaped. */
static void test_dead_holder(void **state) {
  (void)state;
  mc_ref lock = new_mutex(false);
  pid_t pid = fork_member(NULL, takes_and_hangs, &lock);
  await_mark(0, 1);
  assert_int_equal(mc_mutex_try(lock, 0, 1), MC_BUSY);
  assert_int_equal(mc_mutex_release(lock, 0, true, 1), MC_NOTOWNER);
  kill_member(pid);
  assert_false(mc_mutex_locked(lock));
  assert_int_equal(mc_mutex_release(lock, 0, false, 1), MC_NOTHELD);
  assert_int_equal(mc_mutex_try(lock, 0, 1), MC_ABANDONED);
  assert_int_equal(mc_mutex_release(lock, 0, true, 1), 0);
  assert_int_equal(mc_mutex_try(lock, 0, 1), MC_TAKEN); /* told once */
  assert_int_equal(mc_members_reap(), 1);
  audit_now();
}

static int takes_and_leaves(void *arg) {
  int rc = mc_mutex_try(*(mc_ref *)arg, 0, 1) == MC_TAKEN ? 0 : 1;
  mc_member_leave();
  return rc;
}

static void test_holder_that_ends(void **state) {
  (void)state;
  mc_ref lock = new_mutex(true);
  assert_int_equal(wait_for(fork_member(NULL, takes_and_leaves, &lock)), 0);
  assert_int_equal(mc_mutex_try(lock, 0, 1), MC_ABANDONED);
}

/* A child does not hold what its parent holds, though it may release it. */
static int is_not_owner(void *arg) {
  mc_ref lock = *(mc_ref *)arg;
  if (mc_mutex_depth(lock, 0) != 0 || mc_mutex_try(lock, 0, 1) != MC_BUSY ||
      mc_mutex_release(lock, 0, true, 1) != MC_NOTOWNER)
    return 1;
  mc_member_leave();
  return 0;
}

static void test_fork(void **state) {
  (void)state;
  mc_ref lock = new_mutex(true);
  assert_int_equal(mc_mutex_try(lock, 0, 1), MC_TAKEN);
  assert_int_equal(wait_for(fork_member(NULL, is_not_owner, &lock)), 0);
  assert_int_equal(mc_mutex_depth(lock, 0), 1);
}

static int counts_up(void *arg) {
  mc_ref lock = *(mc_ref *)arg;
  for (int i = 0; i < 2000; i++) {
    while (mc_mutex_try(lock, 0, 1) < 0) {
      struct mc_wait_for unlocked = {lock, MC_UNLOCKED};
      mc_wait(&unlocked, 1, MC_FOREVER);
    }
    uint64_t n = marks[1];
    if (i % 64 == 0)
      sched_yield();
    marks[1] = n + 1;
    mc_mutex_release(lock, 0, true, 1);
  }
  mc_member_leave();
  return 0;
}

/* Nobody is inside beside another, and nobody sleeps for ever. */
static void test_contention(void **state) {
  (void)state;
  mc_ref lock = new_mutex(false);
  pid_t pids[6];
  for (int i = 0; i < 6; i++)
    pids[i] = fork_member(NULL, counts_up, &lock);
  for (int i = 0; i < 6; i++)
    assert_int_equal(wait_for(pids[i]), 0);
  assert_int_equal(marks[1], 12000);
  audit_now();
}

static int waits_for_lock(void *arg) {
  mc_ref lock = *(mc_ref *)arg;
  set_mark(2, 1);
  for (;;) {
    int rc = mc_mutex_try(lock, 0, 1);
    if (rc > 0) {
      mc_member_leave();
      return rc;
    }
    struct mc_wait_for unlocked = {lock, MC_UNLOCKED};
    mc_wait(&unlocked, 1, MC_FOREVER);
  }
}

static void test_sleeper_hears_of_death(void **state) {
  (void)state;
  mc_ref lock = new_mutex(false);
  pid_t holder = fork_member(NULL, takes_and_hangs, &lock);
  await_mark(0, 1);
  struct mc_member member;
  pid_t waiter = fork_member(&member, waits_for_lock, &lock);
  await_asleep(member);
  kill_member(holder);
  mc_members_reap();
  assert_int_equal(wait_for(waiter), MC_ABANDONED);
}

static void test_no_memory(void **state) {
  (void)state;
  open_space(MIB);
  mc_ref lock;
  int rc, n = 0;
  while ((rc = mc_mutex_create(false, &lock)) == 0)
    n++;
  assert_int_equal(rc, MC_NOMEM);
  assert_true(n > 100);
  audit_now();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, small_space, close_space)
  const struct CMUnitTest tests[] = {
      TEST(test_take_and_release),
      TEST(test_reentrant),
      TEST(test_dead_holder),
      TEST(test_holder_that_ends),
      TEST(test_fork),
      TEST(test_contention),
      TEST(test_sleeper_hears_of_death),
      cmocka_unit_test_teardown(test_no_memory, close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
