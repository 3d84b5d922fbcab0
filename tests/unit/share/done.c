/* Messages marked done, and queues that redeliver. */
#include "support.h"

static void take_and_settle(mc_ref queue, int n) {
  for (int i = 0; i < n; i++)
    assert_true(take_number(queue) >= 0);
}

static void test_counts(void **state) {
  (void)state;
  mc_ref q = new_queue(0, MC_RETURN);
  assert_int_equal(mc_queue_task_done(q, 0), MC_TOOMANY);
  for (uint64_t i = 0; i < 3; i++)
    put_number(q, i);
  assert_int_equal(mc_queue_unfinished(q), 3);
  assert_int_equal(mc_queue_task_done(q, 0), MC_TOOMANY); /* none was taken */
  take_and_settle(q, 2);
  assert_int_equal(mc_queue_task_done(q, 0), 0);
  assert_int_equal(mc_queue_task_done(q, 0), 0);
  assert_int_equal(mc_queue_task_done(q, 0), MC_TOOMANY);
  assert_int_equal(mc_queue_unfinished(q), 1);
  struct mc_wait_for done = {q, MC_DONE};
  assert_int_equal(mc_wait(&done, 1, MC_NOW), MC_TIMEOUT);
  struct mc_lease lease;
  assert_int_equal(mc_queue_try_take(q, &lease, 1), 1);
  mc_lease_return(&lease); /* taken no more */
  assert_int_equal(mc_queue_task_done(q, 0), MC_TOOMANY);
  take_and_settle(q, 1);
  assert_int_equal(mc_queue_task_done(q, 0), 0);
  assert_int_equal(mc_wait(&done, 1, MC_NOW), 0);
}

static int64_t take_and_keep(mc_ref q, uint64_t task) {
  struct mc_lease lease;
  if (mc_queue_try_take(q, &lease, 1) != 1)
    return -1;
  int64_t number;
  memcpy(&number, lease.bytes, sizeof(number));
  mc_lease_keep(&lease, task);
  return number;
}

static void test_oldest_first(void **state) {
  (void)state;
  uint64_t before = in_use();
  mc_ref q = new_queue(0, MC_REDELIVER);
  assert_int_equal(mc_queue_on_death(q), MC_REDELIVER);
  for (uint64_t i = 0; i < 5; i++)
    put_number(q, i);
  assert_int_equal(mc_queue_task_done(q, 0), MC_TOOMANY);
  for (int64_t i = 0; i < 4; i++)
    assert_int_equal(take_and_keep(q, i == 2 ? 9 : 0), i);
  assert_int_equal(mc_leases_kept(), 4);
  assert_int_equal(mc_queue_task_done(q, 9), 0); /* 2, its own */
  assert_int_equal(mc_queue_task_done(q, 9), 0); /* 0, the oldest */
  assert_int_equal(mc_queue_unfinished(q), 3);
  struct mc_lease lease;
  assert_int_equal(mc_queue_try_take(q, &lease, 1), 1);
  mc_lease_finish(&lease);
  assert_int_equal(mc_queue_unfinished(q), 2);
  audit_now();
  assert_int_equal(mc_queue_task_done(q, 0), 0);
  assert_int_equal(mc_queue_task_done(q, 0), 0);
  assert_int_equal(mc_queue_task_done(q, 0), MC_TOOMANY);
  assert_int_equal(mc_queue_unfinished(q), 0);
  assert_int_equal(mc_leases_kept(), 0);
  mc_object_drop(q);
  assert_int_equal(in_use(), before);
}

static int keeps_three_and_hangs(void *arg) {
  mc_ref q = *(mc_ref *)arg;
  if (mc_leases_kept() != 0) /* what the parent keeps is not the child's */
    return 1;
  for (int i = 0; i < 3; i++)
    if (take_and_keep(q, 0) < 0)
      return 1;
  if (mc_queue_task_done(q, 0) != 0)
    return 1;
  set_mark(0, 1);
  return hang();
}

static void test_dead_consumer(void **state) {
  (void)state;
  mc_ref q = new_queue(0, MC_REDELIVER);
  for (uint64_t i = 0; i < 5; i++)
    put_number(q, i);
  assert_int_equal(take_and_keep(q, 0), 0);
  pid_t pid = fork_member(NULL, keeps_three_and_hangs, &q);
  await_mark(0, 1);
  assert_int_equal(mc_queue_unfinished(q), 4);
  kill_member(pid);
  mc_members_reap();
  audit_now();
  for (int64_t i = 2; i < 5; i++) /* 0 is ours, 1 was done */
    assert_int_equal(take_and_keep(q, 0), i);
  for (int i = 0; i < 4; i++)
    assert_int_equal(mc_queue_task_done(q, 0), 0);
  assert_int_equal(mc_queue_unfinished(q), 0);
}

/* Who lets go of the queue gives back what it kept. */
static void test_let_go(void **state) {
  (void)state;
  mc_ref q = new_queue(0, MC_REDELIVER), other = new_queue(0, MC_RETURN);
  struct mc_message holds = {.handles = &q, .n_handles = 1};
  assert_int_equal(mc_queue_try_put(other, &holds, 1), 1); /* so that it lives */
  for (uint64_t i = 0; i < 3; i++)
    put_number(q, i);
  for (int64_t i = 0; i < 2; i++)
    assert_int_equal(take_and_keep(q, 0), i);
  mc_object_drop(q);
  assert_int_equal(mc_leases_kept(), 0);
  assert_int_equal(mc_queue_size(q), 3);
  audit_now();
}

static int joins(void *arg) {
  struct mc_wait_for done = {*(mc_ref *)arg, MC_DONE};
  set_mark(1, 1);
  while (mc_queue_unfinished(done.object) != 0)
    mc_wait(&done, 1, MC_FOREVER);
  mc_member_leave();
  return 0;
}

static void test_join(void **state) {
  (void)state;
  mc_ref q = new_queue(0, MC_RETURN);
  mc_ref r = new_queue(0, MC_REDELIVER);
  put_number(q, 1);
  put_number(r, 1);
  pid_t a = fork_member(NULL, joins, &q);
  await_mark(1, 1);
  set_mark(1, 0);
  pid_t b = fork_member(NULL, joins, &r);
  await_mark(1, 1);
  take_number(q);
  mc_queue_task_done(q, 0);
  assert_int_equal(wait_for(a), 0);
  take_and_keep(r, 0);
  mc_queue_task_done(r, 0);
  assert_int_equal(wait_for(b), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, small_space, close_space)
  const struct CMUnitTest tests[] = {TEST(test_counts), TEST(test_oldest_first),
                                     TEST(test_dead_consumer), TEST(test_let_go),
                                     TEST(test_join)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
