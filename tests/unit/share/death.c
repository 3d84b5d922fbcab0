/* What becomes of the things of a process that is killed. */
#include "support.h"

static int takes_three(void *arg) {
  mc_ref queue = *(mc_ref *)arg;
  struct mc_lease leases[3];
  if (mc_queue_take(queue, leases, 3, MC_FOREVER) != 3)
    return 1;
  mc_lease_settle(&leases[1]);
  set_mark(0, 1);
  return hang();
}

static void test_leases_return(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  for (uint64_t i = 0; i < 5; i++)
    put_number(queue, i);
  pid_t pid = fork_member(NULL, takes_three, &queue);
  await_mark(0, 1);
  assert_int_equal(mc_queue_size(queue), 2);
  kill_member(pid);
  assert_int_equal(mc_members_reap(), 1);
  audit_now();
  assert_int_equal(mc_queue_size(queue), 4);
  assert_int_equal(take_number(queue), 0);
  assert_int_equal(take_number(queue), 2);
  assert_int_equal(take_number(queue), 3);
  assert_int_equal(take_number(queue), 4);
  assert_int_equal(take_number(queue), -1);
  audit_now();
}

static void test_dead_letters(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_BURY);
  for (uint64_t i = 0; i < 3; i++)
    put_number(queue, i);
  struct mc_lease lease;
  assert_int_equal(mc_queue_take_dead(queue, &lease, NULL, NULL), MC_EMPTY);
  struct mc_member member, who;
  pid_t pid = fork_member(&member, takes_three, &queue), dead;
  await_mark(0, 1);
  kill_member(pid);
  assert_int_equal(mc_members_reap(), 1);
  assert_int_equal(mc_queue_size(queue), 0);
  audit_now();
  assert_int_equal(mc_queue_take_dead(queue, &lease, &who, &dead), 1);
  assert_int_equal(who.slot, member.slot);
  assert_int_equal(who.generation, member.generation);
  assert_int_equal(dead, pid);
  uint64_t number;
  memcpy(&number, lease.bytes, 8);
  assert_int_equal(number, 0);
  mc_lease_return(&lease); /* to be tried again */
  assert_int_equal(mc_queue_take_dead(queue, &lease, NULL, NULL), 1);
  memcpy(&number, lease.bytes, 8);
  assert_int_equal(number, 2);
  mc_lease_settle(&lease);
  assert_int_equal(mc_queue_take_dead(queue, &lease, NULL, NULL), MC_EMPTY);
  assert_int_equal(take_number(queue), 0);
  audit_now();
}

static int takes_dead_and_hangs(void *arg) {
  struct mc_lease lease;
  if (mc_queue_take_dead(*(mc_ref *)arg, &lease, NULL, NULL) != 1)
    return 1;
  set_mark(1, 1);
  return hang();
}

/* A foreman that dies with a dead letter gives it back, with the name of who died first.
 */
static void test_dead_letter_of_dead_foreman(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_BURY);
  for (uint64_t i = 0; i < 3; i++)
    put_number(queue, i);
  pid_t worker = fork_member(NULL, takes_three, &queue), dead;
  await_mark(0, 1);
  kill_member(worker);
  mc_members_reap();
  pid_t foreman = fork_member(NULL, takes_dead_and_hangs, &queue);
  await_mark(1, 1);
  kill_member(foreman);
  mc_members_reap();
  audit_now();
  struct mc_lease lease;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(mc_queue_take_dead(queue, &lease, NULL, &dead), 1);
    assert_int_equal(dead, worker);
    mc_lease_settle(&lease);
  }
  audit_now();
}

static int leaves_with_leases(void *arg) {
  struct mc_lease leases[3];
  if (mc_queue_take(*(mc_ref *)arg, leases, 3, MC_FOREVER) != 3)
    return 1;
  mc_member_leave();
  return 0;
}

static void test_leases_of_one_who_leaves(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  for (uint64_t i = 0; i < 4; i++)
    put_number(queue, i);
  assert_int_equal(wait_for(fork_member(NULL, leaves_with_leases, &queue)), 0);
  for (int64_t i = 0; i < 4; i++)
    assert_int_equal(take_number(queue), i);
  audit_now();
}

static int makes_objects(void *arg) {
  (void)arg;
  for (int i = 0; i < 500; i++) {
    mc_ref queue = new_queue(0, MC_RETURN);
    for (uint64_t k = 0; k < 3; k++)
      put_number(queue, k);
  }
  set_mark(0, 1);
  return hang();
}

static void test_objects_of_the_dead(void **state) {
  (void)state;
  uint64_t before = in_use();
  pid_t pid = fork_member(NULL, makes_objects, NULL);
  await_mark(0, 1);
  assert_int_equal(audit_now().objects, 500);
  kill_member(pid);
  assert_int_equal(mc_members_reap(), 1);
  assert_int_equal(audit_now().objects, 0);
  assert_int_equal(in_use(), before);
}

static int takes_in_a_loop(void *arg) {
  mc_ref queue = *(mc_ref *)arg;
  struct mc_lease lease;
  while (mc_queue_take(queue, &lease, 1, MC_FOREVER) == 1) {
    __atomic_fetch_add((uint64_t *)&marks[8], 1, __ATOMIC_SEQ_CST);
    mc_lease_settle(&lease);
  }
  return 0;
}

/* Its bit in the mask goes, so that the next tenant of its slot is not woken in its
 * place. */
static void test_sleeper_dies(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  for (int round = 0; round < 20; round++) {
    pid_t first = fork_member(NULL, takes_in_a_loop, &queue);
    pid_t second = fork_member(NULL, takes_in_a_loop, &queue);
    put_number(queue, 1);
    await_mark(8, 1);
    usleep(round * 200);
    kill_member(first);
    mc_members_reap();
    for (uint64_t i = 0; i < 10; i++)
      put_number(queue, i);
    await_mark(8, 11);
    mc_queue_close(queue);
    assert_int_equal(wait_for(second), 0);
    mc_members_reap();
    audit_now();
    mc_object_drop(queue);
    queue = new_queue(0, MC_RETURN);
    set_mark(8, 0);
  }
}

/* Without a watcher a sleeper finds out by itself, within its second. */
static void test_without_watcher(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  for (uint64_t i = 0; i < 3; i++)
    put_number(queue, i);
  pid_t pid = fork_member(NULL, takes_three, &queue);
  await_mark(0, 1);
  kill_member(pid);
  struct mc_lease lease;
  assert_int_equal(mc_queue_take(queue, &lease, 1, MC_FOREVER), 1);
  mc_lease_settle(&lease);
  audit_now();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_leases_return, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_dead_letters, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_dead_letter_of_dead_foreman, small_space,
                                      close_space),
      cmocka_unit_test_setup_teardown(test_leases_of_one_who_leaves, small_space,
                                      close_space),
      cmocka_unit_test_setup_teardown(test_objects_of_the_dead, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_sleeper_dies, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_without_watcher, small_space, close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
