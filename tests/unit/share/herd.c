/* Many wait: what happens once wakes one of them. Bells are counted. */
#include "support.h"

#include "share/event.h"
#include "share/mutex.h"
#include "share/sync_layout.h"
#include "share/wake.h"

#define WAITERS 40
#define SEATS   1000

static mc_ref queues[2];

static uint64_t rings(void) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < mc_space->seats_high; i++)
    if (mc_slot(i) != mc_self)
      n += __atomic_load_n(&mc_slot(i)->bell, __ATOMIC_SEQ_CST);
  return n;
}

static uint32_t asleep(void) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < mc_space->seats_high; i++)
    n += mc_slot(i) != mc_self && (mc_space->seats[i] & MC_SEAT_USED) &&
         __atomic_load_n(&mc_slot(i)->asleep, __ATOMIC_SEQ_CST) != MC_AWAKE;
  return n;
}

/* Takes one message of queue 0, waiting for that alone. */
static int takes_one(void *arg) {
  (void)arg;
  struct mc_lease lease;
  if (mc_queue_take(queues[0], &lease, 1, MC_FOREVER) != 1)
    return 1;
  mc_lease_settle(&lease);
  __atomic_fetch_add((uint64_t *)&marks[0], 1, __ATOMIC_SEQ_CST);
  return hang();
}

/* The same, waiting for two queues as mooncrew.wait does. */
static int takes_any(void *arg) {
  (void)arg;
  const struct mc_wait_for list[2] = {{queues[0], MC_READABLE}, {queues[1], MC_READABLE}};
  struct mc_lease lease;
  while (mc_queue_try_take(queues[0], &lease, 1) != 1)
    mc_wait_claim(list, 2, MC_FOREVER);
  mc_lease_settle(&lease);
  __atomic_fetch_add((uint64_t *)&marks[0], 1, __ATOMIC_SEQ_CST);
  return hang();
}

static void herd(int (*body)(void *)) {
  open_space(64 * MIB);
  queues[0] = new_queue(0, MC_RETURN);
  queues[1] = new_queue(0, MC_RETURN);
  static pid_t pids[WAITERS];
  for (int i = 0; i < WAITERS; i++)
    pids[i] = fork_member(NULL, body, NULL);
  while (asleep() < WAITERS)
    sched_yield();
  uint64_t before = rings();
  for (uint64_t i = 1; i <= 20; i++) {
    assert_int_equal(put_number(queues[0], i), 1);
    await_mark(0, i);
    assert_int_equal(rings(), before + i);
  }
  for (int i = 0; i < WAITERS; i++)
    kill_member(pids[i]);
  mc_members_reap();
  audit_now();
}

static void test_one_queue(void **state) {
  (void)state;
  herd(takes_one);
}

static void test_many_queues(void **state) {
  (void)state;
  herd(takes_any);
}

static uint32_t bits_of(const struct mc_mask *mask) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < MC_MEMBERS / 64; i++)
    n += (uint32_t)__builtin_popcountll(mask->words[i]);
  return n;
}

/* A thousand members look asleep; none of them has a process. */
static void test_a_thousand(void **state) {
  (void)state;
  open_space(64 * MIB);
  static struct mc_member members[SEATS];
  mc_ref queue = new_queue(0, MC_RETURN), lock, event;
  assert_int_equal(mc_mutex_create(false, &lock), 0);
  assert_int_equal(mc_event_create(&event), 0);
  assert_int_equal(mc_mutex_try(lock, 0, 1), MC_TAKEN);
  struct mc_mask *readers = &((struct mc_queue *)mc_at(queue))->readers;
  struct mc_mask *lockers = &((struct mc_sync *)mc_at(lock))->waiters;
  struct mc_mask *listeners = &((struct mc_sync *)mc_at(event))->waiters;
  for (int i = 0; i < SEATS; i++) {
    assert_int_equal(mc_member_reserve(&members[i]), 0);
    mc_slot(members[i].slot)->asleep = MC_SLEEPS_ON_BELL;
    mc_mask_set(readers, members[i].slot);
    mc_mask_set(lockers, members[i].slot);
    mc_mask_set(listeners, members[i].slot);
  }
  put_number(queue, 1);
  assert_int_equal(rings(), 1);
  assert_int_equal(bits_of(readers), SEATS - 1);
  assert_int_equal(mc_mutex_release(lock, 0, true, 1), 0);
  assert_int_equal(rings(), 2);
  assert_int_equal(bits_of(lockers), SEATS - 1);
  mc_event_set(event);
  assert_int_equal(rings(), 2 + SEATS);
  assert_int_equal(bits_of(listeners), 0);
  for (int i = 0; i < SEATS; i++)
    mc_member_cancel(members[i]);
}

static int is_told_and_waits_again(void *arg) {
  (void)arg;
  const struct mc_wait_for item = {queues[0], MC_READABLE};
  while (mc_queue_size(queues[0]) == 0)
    mc_wait_claim(&item, 1, MC_FOREVER);
  set_mark(1, 1);
  const struct mc_wait_for other = {queues[1], MC_READABLE};
  while (mc_queue_size(queues[1]) == 0)
    mc_wait(&other, 1, MC_FOREVER);
  return 0;
}

/* Who is told of an item and does not take it passes the wake-up on when it waits again.
 */
static void test_owed(void **state) {
  (void)state;
  open_space(16 * MIB);
  queues[0] = new_queue(0, MC_RETURN);
  queues[1] = new_queue(0, MC_RETURN);
  struct mc_member first, second;
  pid_t told = fork_member(&first, is_told_and_waits_again, NULL);
  await_asleep(first);
  pid_t taker = fork_member(&second, takes_one, NULL);
  await_asleep(second);
  put_number(queues[0], 1); /* wakes the one in the lower slot */
  await_mark(1, 1);
  await_mark(0, 1);
  put_number(queues[1], 1);
  assert_int_equal(wait_for(told), 0);
  kill_member(taker);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_one_queue, close_space),
      cmocka_unit_test_teardown(test_many_queues, close_space),
      cmocka_unit_test_teardown(test_a_thousand, close_space),
      cmocka_unit_test_teardown(test_owed, close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
