#include "share/layout.h"
#include "support.h"

#include <pthread.h>

static int ends_at_once(void *arg) {
  (void)arg;
  return 7;
}

static int leaves(void *arg) {
  (void)arg;
  mc_member_leave();
  return 0;
}

static int sleeps_for_ever(void *arg) {
  (void)arg;
  set_mark(0, 1);
  return hang();
}

static void test_self(void **state) {
  (void)state;
  struct mc_member self = mc_member_self();
  assert_int_equal(self.slot, 0);
  assert_false(mc_member_gone(self));
  assert_true(mc_member_gone((struct mc_member){self.slot, self.generation + 1}));
  assert_true(mc_member_gone((struct mc_member){MC_MEMBERS, 1}));
  assert_int_equal(mc_members_reap(), 0);
}

static void test_leave_and_death(void **state) {
  (void)state;
  struct mc_member member;
  assert_int_equal(wait_for(fork_member(&member, leaves, NULL)), 0);
  assert_true(mc_member_gone(member));
  assert_int_equal(mc_members_reap(), 0); /* nothing was left to do */

  assert_int_equal(wait_for(fork_member(&member, ends_at_once, NULL)), 7);
  assert_true(mc_member_gone(member));
  assert_int_equal(mc_members_reap(), 1);
  assert_int_equal(mc_members_reap(), 0);

  pid_t pid = fork_member(&member, sleeps_for_ever, NULL);
  await_mark(0, 1);
  assert_false(mc_member_gone(member));
  assert_int_equal(mc_members_reap(), 0);
  kill_member(pid);
  assert_true(mc_member_gone(member));
  assert_int_equal(mc_members_reap(), 1);
  assert_int_equal(audit_now().members, 1);
}

static void test_slot_reuse_changes_generation(void **state) {
  (void)state;
  struct mc_member first, second;
  assert_int_equal(mc_member_reserve(&first), 0);
  assert_false(mc_member_gone(first));
  mc_member_cancel(first);
  assert_true(mc_member_gone(first));
  mc_member_cancel(first); /* no harm */
  assert_int_equal(mc_member_reserve(&second), 0);
  assert_int_equal(second.slot, first.slot);
  assert_int_not_equal(second.generation, first.generation);
  assert_true(mc_member_gone(first));
  mc_member_cancel(first);
  assert_false(mc_member_gone(second));
  mc_member_cancel(second);
  assert_int_equal(audit_now().members, 1);
}

/* The child of a cancelled reservation can't get in. */
static void test_stale_adoption(void **state) {
  (void)state;
  struct mc_member member;
  assert_int_equal(mc_member_reserve(&member), 0);
  mc_member_cancel(member);
  pid_t pid = fork();
  if (pid == 0)
    _exit(mc_member_adopt(member) == MC_STALE ? 0 : 1);
  assert_int_equal(wait_for(pid), 0);
  audit_now();
}

static int reserves_and_dies(void *arg) {
  (void)arg;
  struct mc_member member;
  mc_member_reserve(&member);
  set_mark(1, member.slot);
  set_mark(2, member.generation);
  return 0;
}

/* A reservation dies with its parent, the holds that it was given too. */
static void test_parent_dies_before_adoption(void **state) {
  (void)state;
  uint64_t before = in_use();
  mc_ref queue = new_queue(0, MC_RETURN);
  wait_for(fork_member(NULL, reserves_and_dies, NULL));
  struct mc_member orphan = {(uint32_t)marks[1], (uint32_t)marks[2]};
  assert_int_equal(mc_members_reap(), 2);
  assert_true(mc_member_gone(orphan));
  mc_object_drop(queue);
  assert_int_equal(mc_object_kind(queue), MC_KIND_NONE);
  assert_int_equal(in_use(), before);
  audit_now();
}

static void test_all_slots(void **state) {
  (void)state;
  static struct mc_member members[MC_MEMBERS];
  for (int i = 0; i < MC_MEMBERS - 1; i++)
    assert_int_equal(mc_member_reserve(&members[i]), 0);
  assert_int_equal(mc_member_reserve(&members[MC_MEMBERS - 1]), MC_NOSLOT);
  for (int i = 0; i < MC_MEMBERS - 1; i++)
    mc_member_cancel(members[i]);
  assert_int_equal(audit_now().members, 1);
}

static int watches(void *arg) {
  mc_members_set_watcher(mc_member_self());
  set_mark(3, 1);
  return mc_members_watch(*(struct mc_member *)arg) == 0 ? 0 : 1;
}

static int takes_one(void *queue) {
  struct mc_lease lease;
  if (mc_queue_take(*(mc_ref *)queue, &lease, 1, MC_FOREVER) != 1)
    return 1;
  uint64_t number;
  memcpy(&number, lease.bytes, 8);
  set_mark(4, number);
  mc_lease_settle(&lease);
  return 0;
}

static int takes_and_hangs(void *queue) {
  struct mc_lease lease;
  if (mc_queue_take(*(mc_ref *)queue, &lease, 1, MC_FOREVER) != 1)
    return 1;
  set_mark(0, 1);
  return hang();
}

/* The main process of a tree: everybody is its child, so that it can end and be watched.
 */
static int tree(void *arg) {
  (void)arg;
  struct mc_member self = mc_member_self();
  mc_ref queue = new_queue(0, MC_RETURN);
  pid_t watcher = fork_member(NULL, watches, &self);
  await_mark(3, 1);
  pid_t holder = fork_member(NULL, takes_and_hangs, &queue);
  put_number(queue, 42);
  await_mark(0, 1);
  pid_t waiter = fork_member(NULL, takes_one, &queue);
  kill(holder, SIGKILL); /* its lease comes back by the watcher alone */
  int ok = wait_for(waiter) == 0 && marks[4] == 42;
  wait_for(holder);
  set_mark(5, (uint64_t)watcher);
  return ok ? 0 : 1;
}

/* The watcher sees the end of its main member and ends. */
static void await_watchers_end(void) {
  while (kill((pid_t)marks[5], 0) == 0)
    sched_yield();
  mc_members_reap();
  assert_int_equal(audit_now().members, 1);
}

static void test_watcher(void **state) {
  (void)state;
  pid_t pid = fork_member(NULL, tree, NULL);
  assert_int_equal(wait_for(pid), 0);
  await_watchers_end();
}

/* Waits for the watcher, since nobody else clears up. */
static void await_free(struct mc_member member) {
  uint64_t seat = (uint64_t)member.generation << 32 | MC_SEAT_USED;
  while (__atomic_load_n(&mc_space->seats[member.slot], __ATOMIC_ACQUIRE) == seat)
    sched_yield();
}

static int reserves_and_leaves(void *arg) {
  reserves_and_dies(arg);
  mc_member_leave();
  return 0;
}

/* Seats that were taken before are watched already, whoever comes there: the watcher is
 * not woken then, and misses no death. */
static int many(void *arg) {
  (void)arg;
  struct mc_member self = mc_member_self(), member;
  set_mark(5, (uint64_t)fork_member(NULL, watches, &self));
  await_mark(3, 1);
  for (int i = 0; i < 50; i++) {
    wait_for(fork_member(&member, i % 3 == 1 ? leaves : ends_at_once, NULL));
    await_free(member);
    if (i > 0 && member.slot >= mc_space->watched)
      return 1;
  }
  /* One that leaves in order wakes it for the child that will not come. */
  wait_for(fork_member(&member, reserves_and_leaves, NULL));
  await_free(member);
  await_free((struct mc_member){(uint32_t)marks[1], (uint32_t)marks[2]});
  return 0;
}

static void test_watched_seats(void **state) {
  (void)state;
  assert_int_equal(wait_for(fork_member(NULL, many, NULL)), 0);
  await_watchers_end();
}

static int waits_for_a_ring(void *arg) {
  (void)arg;
  set_mark(0, 1);
  return mc_wait(NULL, 0, MC_FOREVER) == 0 ? 0 : 1;
}

static void test_ring(void **state) {
  (void)state;
  struct mc_member member;
  pid_t pid = fork_member(&member, waits_for_a_ring, NULL);
  await_mark(0, 1);
  mc_member_ring(member);
  assert_int_equal(wait_for(pid), 0);
  mc_member_ring(member); /* of one that is gone: nothing */
  mc_members_reap();
}

/* A ring that comes before the wait is not lost. */
static void test_ring_before_wait(void **state) {
  (void)state;
  assert_int_equal(mc_wait(NULL, 0, MC_NOW), MC_TIMEOUT);
  mc_member_ring(mc_member_self());
  assert_int_equal(mc_wait(NULL, 0, MC_FOREVER), 0);
  assert_int_equal(mc_wait(NULL, 0, MC_NOW), MC_TIMEOUT);
}

static void on_alarm(int signal) {
  (void)signal;
}

static void *interrupts(void *arg) {
  pthread_t main_thread = *(pthread_t *)arg;
  while (__atomic_load_n(&marks[6], __ATOMIC_ACQUIRE) == 0) {
    pthread_kill(main_thread, SIGUSR1);
    usleep(1000);
  }
  return NULL;
}

static void test_interrupted(void **state) {
  (void)state;
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  mc_ref queue = new_queue(1, MC_RETURN);
  pthread_t self = pthread_self(), thread;
  assert_int_equal(pthread_create(&thread, NULL, interrupts, &self), 0);
  struct mc_lease lease;
  assert_int_equal(mc_queue_take(queue, &lease, 1, MC_FOREVER), MC_INTERRUPTED);
  uint64_t n = 1;
  struct mc_message message = {.bytes = &n, .length = 8};
  put_number(queue, 1);
  assert_int_equal(mc_queue_put(queue, &message, 1, MC_FOREVER), MC_INTERRUPTED);
  set_mark(6, 1);
  pthread_join(thread, NULL);
  signal(SIGUSR1, SIG_DFL);
  audit_now();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_self, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_leave_and_death, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_slot_reuse_changes_generation, small_space,
                                      close_space),
      cmocka_unit_test_setup_teardown(test_stale_adoption, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_parent_dies_before_adoption, small_space,
                                      close_space),
      cmocka_unit_test_setup_teardown(test_all_slots, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_watcher, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_watched_seats, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_ring, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_ring_before_wait, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_interrupted, small_space, close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
