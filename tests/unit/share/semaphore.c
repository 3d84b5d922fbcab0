/* Semaphores, and what becomes of the permits of the dead. */
#include "support.h"

#include "share/semaphore.h"

static mc_ref new_semaphore(uint64_t n, bool bounded) {
  mc_ref semaphore = 0;
  assert_int_equal(mc_semaphore_create(n, bounded, &semaphore), 0);
  return semaphore;
}

static void test_permits(void **state) {
  (void)state;
  mc_ref s = new_semaphore(2, false);
  assert_int_equal(mc_semaphore_try(s), 0);
  assert_int_equal(mc_semaphore_try(s), 0);
  assert_int_equal(mc_semaphore_try(s), MC_BUSY);
  assert_int_equal(mc_semaphore_release(s, 5), 0); /* more than were taken */
  assert_int_equal(mc_semaphore_value(s), 5);
  audit_now();
}

static void test_bound(void **state) {
  (void)state;
  mc_ref s = new_semaphore(3, true);
  assert_int_equal(mc_semaphore_release(s, 1), MC_TOOMANY);
  assert_int_equal(mc_semaphore_try(s), 0);
  assert_int_equal(mc_semaphore_release(s, 2), MC_TOOMANY);
  assert_int_equal(mc_semaphore_value(s), 2);
  assert_int_equal(mc_semaphore_release(s, 1), 0);
  assert_int_equal(mc_semaphore_value(s), 3);
  audit_now();
}

static int takes_two(void *arg) {
  for (int i = 0; i < 2; i++)
    if (mc_semaphore_try(*(mc_ref *)arg) != 0)
      return 1;
  set_mark(0, 1);
  return hang();
}

static void dead_holder(mc_ref s, uint64_t then) {
  pid_t pid = fork_member(NULL, takes_two, &s);
  await_mark(0, 1);
  set_mark(0, 0);
  uint64_t left = mc_semaphore_value(s);
  kill_member(pid);
  assert_int_equal(mc_semaphore_value(s), left + then);
  audit_now();
  mc_members_reap();
}

static void test_dead_holder(void **state) {
  (void)state;
  dead_holder(new_semaphore(3, false), 2);
  dead_holder(new_semaphore(2, true), 2);
  mc_ref s = new_semaphore(2, false);
  pid_t pid = fork_member(NULL, takes_two, &s);
  await_mark(0, 1);
  assert_int_equal(mc_semaphore_try(s), MC_BUSY);
  kill_member(pid);
  assert_int_equal(mc_semaphore_try(s), 0); /* at once */
  assert_int_equal(mc_semaphore_value(s), 1);
}

/* One for signalling gives nothing back: what was consumed is consumed. */
static void test_signals(void **state) {
  (void)state;
  mc_ref s = new_semaphore(0, false);
  assert_int_equal(mc_semaphore_try(s), MC_BUSY);
  mc_semaphore_release(s, 2);
  dead_holder(s, 0);
}

static int releases_two(void *arg) {
  int rc = mc_semaphore_release(*(mc_ref *)arg, 2);
  mc_member_leave();
  return rc != 0;
}

/* Permits that somebody else gives back are not given back again by a death. */
static void test_release_by_another(void **state) {
  (void)state;
  mc_ref s = new_semaphore(2, true);
  pid_t pid = fork_member(NULL, takes_two, &s);
  await_mark(0, 1);
  assert_int_equal(wait_for(fork_member(NULL, releases_two, &s)), 0);
  assert_int_equal(mc_semaphore_value(s), 2);
  kill_member(pid);
  assert_int_equal(mc_semaphore_value(s), 2);
  audit_now();
}

static int takes_and_waits(void *arg) {
  mc_ref s = *(mc_ref *)arg;
  if (mc_semaphore_try(s) != 0)
    return 1;
  __atomic_fetch_add((uint64_t *)&marks[3], 1, __ATOMIC_SEQ_CST);
  await_mark(4, 1);
  int rc = mc_semaphore_release(s, 1);
  mc_member_leave();
  return rc != 0;
}

/* More holders than fit into the object. */
static void test_many_holders(void **state) {
  (void)state;
  enum { N = 60 };
  uint64_t before = in_use();
  mc_ref s = new_semaphore(N, true);
  pid_t pids[N];
  for (int i = 0; i < N; i++)
    pids[i] = fork_member(NULL, takes_and_waits, &s);
  await_mark(3, N);
  assert_int_equal(mc_semaphore_value(s), 0);
  audit_now();
  for (int i = 0; i < N; i += 3)
    kill_member(pids[i]);
  assert_int_equal(mc_semaphore_value(s), N / 3);
  set_mark(4, 1);
  for (int i = 0; i < N; i++)
    if (i % 3)
      assert_int_equal(wait_for(pids[i]), 0);
  assert_int_equal(mc_semaphore_value(s), N);
  mc_members_reap();
  audit_now();
  mc_object_drop(s);
  assert_int_equal(in_use(), before);
}

static int takes_and_gives(void *arg) {
  mc_ref s = *(mc_ref *)arg;
  for (int i = 0; i < 1000; i++) {
    while (mc_semaphore_try(s) != 0) {
      struct mc_wait_for permit = {s, MC_PERMIT};
      mc_wait(&permit, 1, MC_FOREVER);
    }
    if (__atomic_add_fetch((uint64_t *)&marks[5], 1, __ATOMIC_SEQ_CST) > 2)
      return 1;
    __atomic_sub_fetch((uint64_t *)&marks[5], 1, __ATOMIC_SEQ_CST);
    mc_semaphore_release(s, 1);
  }
  mc_member_leave();
  return 0;
}

static void test_contention(void **state) {
  (void)state;
  mc_ref s = new_semaphore(2, true);
  pid_t pids[6];
  for (int i = 0; i < 6; i++)
    pids[i] = fork_member(NULL, takes_and_gives, &s);
  for (int i = 0; i < 6; i++)
    assert_int_equal(wait_for(pids[i]), 0);
  assert_int_equal(mc_semaphore_value(s), 2);
  audit_now();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, small_space, close_space)
  const struct CMUnitTest tests[] = {
      TEST(test_permits),
      TEST(test_bound),
      TEST(test_dead_holder),
      TEST(test_signals),
      TEST(test_release_by_another),
      TEST(test_many_holders),
      TEST(test_contention),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
