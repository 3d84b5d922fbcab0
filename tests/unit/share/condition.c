/* Conditions: who is notified, and what becomes of a notification. */
#include "support.h"

#include "share/condition.h"
#include "share/mutex.h"

static mc_ref new_condition(void) {
  mc_ref lock = 0;
  mc_ref condition = 0;
  assert_int_equal(mc_mutex_create(true, &lock), 0);
  assert_int_equal(mc_condition_create(lock, &condition), 0);
  assert_int_equal(mc_condition_lock(condition), lock);
  mc_object_drop(lock); /* the condition has it */
  assert_int_equal(mc_object_kind(lock), MC_KIND_RLOCK);
  return condition;
}

static void test_order(void **state) {
  (void)state;
  mc_ref c = new_condition();
  uint32_t t[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(mc_condition_enter(c, &t[i]), 0);
  assert_int_equal(mc_condition_waiting(c), 4);
  assert_int_equal(mc_condition_notify(c, 2), 2);
  assert_true(mc_condition_notified(c, t[0]));
  assert_true(mc_condition_notified(c, t[1]));
  assert_false(mc_condition_notified(c, t[2]));
  assert_true(mc_condition_leave(c, t[0], true));
  assert_false(mc_condition_leave(c, t[2], true)); /* it has given up */
  assert_true(mc_condition_leave(c, t[1], false)); /* passes it on */
  assert_true(mc_condition_notified(c, t[3]));
  assert_true(mc_condition_leave(c, t[3], true));
  assert_int_equal(mc_condition_waiting(c), 0);
  assert_int_equal(mc_condition_notify(c, 1), 0); /* not kept for later ones */
  assert_int_equal(mc_condition_enter(c, &t[0]), 0);
  assert_false(mc_condition_notified(c, t[0]));
  audit_now();
}

static void test_all(void **state) {
  (void)state;
  uint64_t before = in_use();
  mc_ref c = new_condition();
  uint32_t t[100], later;
  for (int i = 0; i < 100; i++)
    assert_int_equal(mc_condition_enter(c, &t[i]), 0);
  audit_now();
  assert_int_equal(mc_condition_notify(c, UINT32_MAX), 100);
  assert_int_equal(mc_condition_enter(c, &later), 0);
  for (int i = 0; i < 100; i++)
    assert_true(mc_condition_leave(c, t[i], i % 2));
  assert_false(mc_condition_leave(c, later, false));
  audit_now();
  mc_object_drop(c); /* its lock and its roll go along */
  assert_int_equal(in_use(), before);
}

/* Waits as the Lua side does; 0: it was notified. */
static int waits(void *arg) {
  mc_ref c = *(mc_ref *)arg;
  uint32_t ticket;
  if (mc_condition_enter(c, &ticket) != 0)
    return 1;
  __atomic_fetch_add((uint64_t *)&marks[0], 1, __ATOMIC_SEQ_CST);
  while (!mc_condition_notified(c, ticket))
    mc_wait(NULL, 0, MC_FOREVER);
  __atomic_fetch_add((uint64_t *)&marks[1], 1, __ATOMIC_SEQ_CST);
  mc_condition_leave(c, ticket, true);
  mc_member_leave();
  return 0;
}

static void test_between_processes(void **state) {
  (void)state;
  mc_ref c = new_condition();
  pid_t pids[10];
  for (int i = 0; i < 10; i++)
    pids[i] = fork_member(NULL, waits, &c);
  await_mark(0, 10);
  for (uint64_t i = 1; i <= 5; i++) {
    assert_int_equal(mc_condition_notify(c, 1), 1);
    await_mark(1, i);
  }
  assert_int_equal(mc_condition_waiting(c), 5);
  assert_int_equal(mc_condition_notify(c, 1000), 5);
  for (int i = 0; i < 10; i++)
    assert_int_equal(wait_for(pids[i]), 0);
  audit_now();
}

static int enters_and_hangs(void *arg) {
  uint32_t ticket;
  if (mc_condition_enter(*(mc_ref *)arg, &ticket) != 0)
    return 1;
  set_mark(2, 1);
  return hang();
}

/* The dead are not notified, and a notification of one who dies then goes on. */
static void test_dead_waiter(void **state) {
  (void)state;
  mc_ref c = new_condition();
  pid_t first = fork_member(NULL, enters_and_hangs, &c);
  await_mark(2, 1);
  set_mark(2, 0);
  pid_t second = fork_member(NULL, enters_and_hangs, &c);
  await_mark(2, 1);
  pid_t third = fork_member(NULL, waits, &c);
  await_mark(0, 1);
  kill_member(first);
  assert_int_equal(mc_condition_waiting(c), 2);
  assert_int_equal(mc_condition_notify(c, 1), 1); /* the second one */
  assert_int_equal(mc_condition_waiting(c), 1);
  kill_member(second);
  mc_members_reap(); /* rings the third one, who finds out */
  assert_int_equal(wait_for(third), 0);
  assert_int_equal(mc_condition_waiting(c), 0);
  audit_now();
}

/* All were notified: nothing of that goes to those who came later. */
static void test_all_and_dead(void **state) {
  (void)state;
  mc_ref c = new_condition();
  pid_t pid = fork_member(NULL, enters_and_hangs, &c);
  await_mark(2, 1);
  assert_int_equal(mc_condition_notify(c, UINT32_MAX), 1);
  uint32_t later;
  assert_int_equal(mc_condition_enter(c, &later), 0);
  kill_member(pid);
  assert_false(mc_condition_notified(c, later));
  mc_members_reap();
  audit_now();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, small_space, close_space)
  const struct CMUnitTest tests[] = {
      TEST(test_order),       TEST(test_all),          TEST(test_between_processes),
      TEST(test_dead_waiter), TEST(test_all_and_dead),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
