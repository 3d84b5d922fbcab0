/* Barriers: phases, actions, and what breaks them. */
#include "support.h"

#include "share/barrier.h"

static mc_ref new_barrier(uint32_t parties, mc_ref action) {
  mc_ref barrier = 0;
  assert_int_equal(mc_barrier_create(parties, action, &barrier), 0);
  return barrier;
}

static void test_phases(void **state) {
  (void)state;
  mc_ref b = new_barrier(3, 0);
  assert_int_equal(mc_barrier_parties(b), 3);
  assert_int_equal(mc_barrier_action(b), 0);
  struct mc_arrival a[3];
  for (int round = 0; round < 100; round++) {
    assert_int_equal(mc_barrier_enter(b, &a[0]), MC_BARRIER_SHUT);
    assert_int_equal(mc_barrier_enter(b, &a[1]), MC_BARRIER_SHUT);
    assert_int_equal(mc_barrier_waiting(b), 2);
    assert_int_equal(mc_barrier_state(b, &a[0]), MC_BARRIER_SHUT);
    assert_int_equal(mc_barrier_enter(b, &a[2]), MC_BARRIER_OPEN);
    assert_int_equal(mc_barrier_waiting(b), 0);
    for (uint32_t i = 0; i < 3; i++)
      assert_int_equal(a[i].index, i + 1);
    assert_int_equal(mc_barrier_leave(b, &a[1]), MC_BARRIER_OPEN);
    assert_int_equal(mc_barrier_leave(b, &a[0]), MC_BARRIER_OPEN);
  }
  audit_now();
}

static void test_one_party(void **state) {
  (void)state;
  struct mc_arrival a;
  assert_int_equal(mc_barrier_enter(new_barrier(1, 0), &a), MC_BARRIER_OPEN);
  assert_int_equal(a.index, 1);
}

/* One who is late learns the outcome of its own phase, not of later ones. */
static void test_late(void **state) {
  (void)state;
  mc_ref b = new_barrier(2, 0);
  struct mc_arrival late, other, a[2];
  assert_int_equal(mc_barrier_enter(b, &late), MC_BARRIER_SHUT);
  assert_int_equal(mc_barrier_enter(b, &other), MC_BARRIER_OPEN);
  assert_int_equal(mc_barrier_enter(b, &a[0]), MC_BARRIER_SHUT);
  mc_barrier_reset(b);
  for (int i = 0; i < 10; i++) {
    assert_int_equal(mc_barrier_enter(b, &a[1]), MC_BARRIER_SHUT);
    assert_int_equal(mc_barrier_enter(b, &other), MC_BARRIER_OPEN);
    assert_int_equal(mc_barrier_leave(b, &a[1]), MC_BARRIER_OPEN);
  }
  assert_int_equal(mc_barrier_leave(b, &a[0]), MC_BROKEN);
  assert_int_equal(mc_barrier_leave(b, &late), MC_BARRIER_OPEN);
  audit_now();
}

static void test_giving_up(void **state) {
  (void)state;
  mc_ref b = new_barrier(3, 0);
  struct mc_arrival a[2], c;
  assert_int_equal(mc_barrier_enter(b, &a[0]), MC_BARRIER_SHUT);
  assert_int_equal(mc_barrier_enter(b, &a[1]), MC_BARRIER_SHUT);
  assert_int_equal(mc_barrier_leave(b, &a[0]), MC_BARRIER_SHUT);
  assert_true(mc_barrier_broken(b));
  assert_int_equal(mc_barrier_leave(b, &a[1]), MC_BROKEN);
  assert_int_equal(mc_barrier_enter(b, &c), MC_BROKEN);
  mc_barrier_reset(b);
  assert_false(mc_barrier_broken(b));
  assert_int_equal(mc_barrier_enter(b, &a[0]), MC_BARRIER_SHUT);
  mc_barrier_break(b);
  assert_int_equal(mc_barrier_leave(b, &a[0]), MC_BROKEN);
  audit_now();
}

static void test_action(void **state) {
  (void)state;
  uint64_t before = in_use();
  mc_ref action = new_queue(0, MC_RETURN);
  mc_ref b = new_barrier(2, action);
  assert_int_equal(mc_barrier_action(b), action);
  mc_object_drop(action);
  struct mc_arrival a, last, next;
  assert_int_equal(mc_barrier_enter(b, &a), MC_BARRIER_SHUT);
  assert_int_equal(mc_barrier_enter(b, &last), MC_BARRIER_ACT);
  assert_int_equal(last.index, 2);
  assert_int_equal(mc_barrier_waiting(b), 2);
  assert_false(mc_barrier_quiet(b));
  assert_int_equal(mc_barrier_enter(b, &next), MC_BUSY);
  assert_int_equal(mc_barrier_state(b, &a), MC_BARRIER_SHUT);
  assert_int_equal(mc_barrier_open(b, &last), MC_BARRIER_OPEN);
  assert_true(mc_barrier_quiet(b));
  assert_int_equal(mc_barrier_leave(b, &a), MC_BARRIER_OPEN);
  assert_int_equal(mc_barrier_open(b, &last), MC_BROKEN); /* not twice */

  assert_int_equal(mc_barrier_enter(b, &a), MC_BARRIER_SHUT);
  assert_int_equal(mc_barrier_enter(b, &last), MC_BARRIER_ACT);
  assert_int_equal(mc_barrier_leave(b, &last), MC_BARRIER_SHUT); /* it could not act */
  assert_int_equal(mc_barrier_leave(b, &a), MC_BROKEN);
  audit_now();
  mc_object_drop(b);
  assert_int_equal(in_use(), before);
}

struct party {
  mc_ref barrier;
  int rounds;
};

static int takes_part(void *arg) {
  const struct party *party = arg;
  for (int i = 0; i < party->rounds; i++) {
    struct mc_arrival a;
    int rc = mc_barrier_enter(party->barrier, &a);
    if (rc == MC_BARRIER_SHUT) {
      __atomic_fetch_add((uint64_t *)&marks[0], 1, __ATOMIC_SEQ_CST);
      while (mc_barrier_state(party->barrier, &a) == MC_BARRIER_SHUT)
        mc_wait(NULL, 0, MC_FOREVER);
      rc = mc_barrier_leave(party->barrier, &a);
    }
    if (rc == MC_BROKEN)
      return 7;
    if (rc != MC_BARRIER_OPEN)
      return 8;
  }
  mc_member_leave();
  return 0;
}

static void test_between_processes(void **state) {
  (void)state;
  struct party party = {new_barrier(30, 0), 20};
  pid_t pids[30];
  for (int i = 0; i < 30; i++)
    pids[i] = fork_member(NULL, takes_part, &party);
  for (int i = 0; i < 30; i++)
    assert_int_equal(wait_for(pids[i]), 0);
  assert_int_equal(marks[0], 29 * 20);
  audit_now();
}

static void test_dead_waiter(void **state) {
  (void)state;
  struct party party = {new_barrier(3, 0), 1};
  pid_t first = fork_member(NULL, takes_part, &party);
  await_mark(0, 1);
  pid_t second = fork_member(NULL, takes_part, &party);
  await_mark(0, 2);
  kill_member(first);
  mc_members_reap();
  assert_int_equal(wait_for(second), 7);
  assert_true(mc_barrier_broken(party.barrier));
  assert_int_equal(mc_barrier_waiting(party.barrier), 0);
  mc_members_reap();
  audit_now();
}

static int acts_and_hangs(void *arg) {
  struct mc_arrival a;
  if (mc_barrier_enter(*(mc_ref *)arg, &a) != MC_BARRIER_ACT)
    return 1;
  set_mark(1, 1);
  return hang();
}

static void test_dead_actor(void **state) {
  (void)state;
  mc_ref b = new_barrier(2, new_queue(0, MC_RETURN));
  struct mc_arrival a;
  assert_int_equal(mc_barrier_enter(b, &a), MC_BARRIER_SHUT);
  pid_t pid = fork_member(NULL, acts_and_hangs, &b);
  await_mark(1, 1);
  kill_member(pid);
  assert_true(mc_barrier_quiet(b));
  assert_int_equal(mc_barrier_state(b, &a), MC_BROKEN);
  assert_int_equal(mc_barrier_leave(b, &a), MC_BROKEN);
  mc_members_reap();
  audit_now();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, small_space, close_space)
  const struct CMUnitTest tests[] = {
      TEST(test_phases),      TEST(test_one_party),  TEST(test_late),
      TEST(test_giving_up),   TEST(test_action),     TEST(test_between_processes),
      TEST(test_dead_waiter), TEST(test_dead_actor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
