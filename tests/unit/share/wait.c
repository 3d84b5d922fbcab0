/* Waiting for several things, and in an event loop. */
#include "support.h"

#include "share/lock.h"
#include "share/object.h"
#include "share/sleep.h"
#include "share/wake.h"

#include <poll.h>

static int rings_later(void *arg) {
  await_mark(0, 1);
  return put_number(*(mc_ref *)arg, 1) == 1 ? 0 : 1;
}

static void test_several(void **state) {
  (void)state;
  mc_ref a = new_queue(0, MC_RETURN), b = new_queue(0, MC_RETURN),
         full = new_queue(1, MC_RETURN);
  put_number(full, 1);
  struct mc_wait_for list[3] = {{a, MC_READABLE}, {b, MC_READABLE}, {full, MC_WRITABLE}};
  assert_int_equal(mc_wait(list, 3, MC_NOW), MC_TIMEOUT);
  assert_int_equal(mc_wait(list, 3, mc_deadline(0.005)), MC_TIMEOUT);
  pid_t pid = fork_member(NULL, rings_later, &b);
  set_mark(0, 1);
  while (mc_queue_size(b) == 0)
    assert_int_equal(mc_wait(list, 3, MC_FOREVER), 0);
  assert_int_equal(wait_for(pid), 0);
  mc_members_reap();
  assert_int_equal(take_number(b), 1);
  mc_queue_close(full);
  assert_int_equal(mc_wait(&list[2], 1, MC_FOREVER), 0);
  audit_now();
}

static int takes_one(void *arg) {
  struct mc_lease lease;
  int rc = mc_queue_take(*(mc_ref *)arg, &lease, 1, MC_FOREVER);
  if (rc == 1)
    mc_lease_settle(&lease);
  return rc == 1 ? 0 : 1;
}

static pid_t fork_sleeper(int (*body)(void *), mc_ref *queues) {
  struct mc_member member;
  pid_t pid = fork_member(&member, body, queues);
  await_asleep(member);
  return pid;
}

static int waits_for_both(void *arg) {
  const mc_ref *queues = arg;
  struct mc_wait_for list[2] = {{queues[0], MC_READABLE}, {queues[1], MC_READABLE}};
  while (mc_queue_size(queues[1]) == 0)
    mc_wait(list, 2,
            MC_FOREVER); /* woken for the first one too, but never takes from it */
  return 0;
}

/* Who waits for two things and is woken for one that it does not take wakes another. */
static void test_baton(void **state) {
  (void)state;
  mc_ref queues[2] = {new_queue(0, MC_RETURN), new_queue(0, MC_RETURN)};
  /* The one that passes it on has the lower slot, so it is the one that is woken. */
  pid_t picky = fork_sleeper(waits_for_both, queues);
  pid_t taker = fork_sleeper(takes_one, queues);
  put_number(queues[0], 1);
  assert_int_equal(wait_for(taker), 0);
  put_number(queues[1], 1);
  assert_int_equal(wait_for(picky), 0);
  mc_members_reap();
  audit_now();
}

static bool sleeps_at(const struct mc_queue *queue, uint32_t slot) {
  uint64_t word = __atomic_load_n(&queue->readers.words[slot / 64], __ATOMIC_SEQ_CST);
  return word >> slot % 64 & 1;
}

/* Who looks is rung before one who sleeps, and before the lower slot. */
static void test_looker(void **state) {
  (void)state;
  mc_ref ref = new_queue(0, MC_RETURN);
  struct mc_queue *queue = mc_at(ref);
  pid_t sleeper = fork_member(NULL, takes_one, &ref);
  while (queue->readers.words[0] == 0)
    sched_yield();
  uint32_t other = (uint32_t)__builtin_ctzll(queue->readers.words[0]);
  struct mc_wait_for item = {ref, MC_READABLE};
  uint32_t self = mc_slot_index(mc_self);
  mc_bits_set(&item, 1, 0);
  mc_mask_look(&queue->readers, self);
  mc_wake(&queue->readers, 1);
  assert_false(sleeps_at(queue, self));
  assert_true(sleeps_at(queue, other));
  mc_bits_clear(&item, 1, 0, MC_TAKES);
  put_number(ref, 1); /* one that looks no more is no reason to let others sleep */
  assert_int_equal(wait_for(sleeper), 0);
  mc_members_reap();
  audit_now();
}

static uint32_t awake(void) {
  return __atomic_load_n(&mc_space->awake, __ATOMIC_SEQ_CST);
}

static void await_awake(uint32_t wanted) {
  while (awake() != wanted)
    sched_yield();
}

/* Who is rung is counted as awake at once: on a single core the waker would else look in
 * vain for what only that one can bring. */
static void test_rung_is_awake(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  struct mc_member sleeper;
  pid_t pid = fork_member(&sleeper, takes_one, &queue);
  while (!sleeps_at(mc_at(queue), sleeper.slot))
    sched_yield();
  await_awake(1);
  int status;
  kill(pid, SIGSTOP);
  assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
  put_number(queue, 1);
  assert_int_equal(awake(), 2);
  kill(pid, SIGCONT);
  assert_int_equal(wait_for(pid), 0);
  mc_members_reap();
  assert_int_equal(awake(), 1);
  audit_now();
}

static int watches(void *main) {
  return mc_members_watch(*(struct mc_member *)main);
}

/* The watcher, who sleeps on no bell, is no more awake after a death than before. */
static void test_awake_after_a_death(void **state) {
  (void)state;
  struct mc_member self = mc_member_self(), dead;
  pid_t watcher = fork_member(NULL, watches, &self);
  await_awake(1);
  pid_t pid = fork_member(&dead, takes_one, &(mc_ref){new_queue(0, MC_RETURN)});
  while (!mc_member_adopted(dead))
    sched_yield();
  kill_member(pid);
  while (__atomic_load_n(&mc_space->seats[dead.slot], __ATOMIC_ACQUIRE) & MC_SEAT_USED)
    sched_yield();
  mc_lock(&mc_space->members_lock); /* the reaper has done all */
  mc_unlock(&mc_space->members_lock);
  assert_int_equal(awake(), 1);
  kill_member(watcher);
  mc_members_reap();
  audit_now();
}

static int readable(int fd, int timeout) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, timeout);
}

static void test_loop(void **state) {
  (void)state;
  int fd = mc_bell_fd();
  assert_true(fd >= 0);
  assert_int_equal(mc_bell_fd(), fd);
  mc_ref queue = new_queue(0, MC_RETURN);
  struct mc_wait_for item = {queue, MC_READABLE};
  mc_bell_disarm(&item, 1); /* not armed: nothing */
  pid_t pid = fork_member(NULL, rings_later, &queue);
  while (!mc_bell_arm(&item, 1)) /* the adoption may have rung */
    ;
  assert_int_equal(readable(fd, 0), 0);
  set_mark(0, 1);
  assert_int_equal(readable(fd, -1), 1);
  mc_bell_disarm(&item, 1);
  assert_int_equal(readable(fd, 0), 0);
  assert_int_equal(take_number(queue), 1);
  assert_int_equal(wait_for(pid), 0);
  mc_members_reap();

  put_number(queue, 2);
  assert_false(mc_bell_arm(&item, 1)); /* ready already */
  take_number(queue);
  while (!mc_bell_arm(&item, 1))
    ;
  mc_bell_disarm(&item, 1);
  mc_member_ring(mc_member_self()); /* rung since: look again, once */
  assert_false(mc_bell_arm(&item, 1));
  assert_true(mc_bell_arm(&item, 1));
  mc_member_ring(mc_member_self());
  assert_int_equal(readable(fd, -1), 1);
  mc_bell_disarm(&item, 1);
  audit_now();
}

/* A wait inside a callback of the armed loop: the loop looks again afterwards. */
static void test_wait_while_armed(void **state) {
  (void)state;
  int fd = mc_bell_fd();
  mc_ref looped = new_queue(0, MC_RETURN), inner = new_queue(0, MC_RETURN);
  struct mc_wait_for a = {looped, MC_READABLE}, b = {inner, MC_READABLE};
  while (!mc_bell_arm(&a, 1))
    ;
  assert_int_equal(mc_wait(&b, 1, mc_deadline(0.005)), MC_TIMEOUT);
  assert_int_equal(readable(fd, -1), 1);
  mc_bell_disarm(&a, 1);
  while (!mc_bell_arm(&a, 1))
    ;
  pid_t pid = fork_member(NULL, rings_later, &looped);
  set_mark(0, 1);
  assert_int_equal(readable(fd, -1), 1);
  mc_bell_disarm(&a, 1);
  assert_int_equal(wait_for(pid), 0);
  mc_members_reap();
  audit_now();
}

static int drops_both(void *arg) {
  const mc_ref *queues = arg;
  uint32_t held = mc_self->n_holds;
  mc_object_drop(queues[0]);
  mc_object_drop(queues[1]);
  return held - mc_self->n_holds == 2 ? 0 : 1;
}

/* A callback, or the child that it forks, may let go of what is waited for: it stays
 * until its mask was looked at, and not longer. */
static void test_dropped_while_armed(void **state) {
  (void)state;
  mc_ref queues[2] = {new_queue(0, MC_RETURN), new_queue(0, MC_RETURN)};
  struct mc_wait_for items[3] = {
      {queues[0], MC_READABLE}, {0, MC_MEMORY}, {queues[1], MC_READABLE}};
  while (!mc_bell_arm(items, 3))
    ;
  pid_t child = fork_member(NULL, drops_both, queues);
  assert_int_equal(wait_for(child), 0);
  mc_members_reap();
  mc_object_drop(queues[0]);
  mc_object_drop(queues[1]);
  assert_int_equal(mc_object_kind(queues[0]), MC_KIND_QUEUE);
  assert_int_equal(mc_object_kind(queues[1]), MC_KIND_QUEUE);
  mc_bell_disarm(items, 3);
  assert_int_equal(mc_object_kind(queues[0]), MC_KIND_NONE);
  assert_int_equal(mc_object_kind(queues[1]), MC_KIND_NONE);
  audit_now();
}

/* One that is armed inside of a callback takes the place of the one that was. */
static void test_armed_while_armed(void **state) {
  (void)state;
  mc_ref outer = new_queue(0, MC_RETURN), inner = new_queue(0, MC_RETURN);
  struct mc_wait_for a = {outer, MC_READABLE}, b = {inner, MC_READABLE};
  while (!mc_bell_arm(&a, 1))
    ;
  while (!mc_bell_arm(&b, 1))
    ;
  assert_false(sleeps_at(mc_at(outer), mc_slot_index(mc_self)));
  assert_true(sleeps_at(mc_at(inner), mc_slot_index(mc_self)));
  mc_object_drop(outer);
  assert_int_equal(mc_object_kind(outer), MC_KIND_NONE);
  mc_bell_disarm(&b, 1);
  assert_false(sleeps_at(mc_at(inner), mc_slot_index(mc_self)));
  audit_now();
}

/* Opens its bell, and leaves its descriptors to a process that lives on. */
static int leaves_its_bell_open(void *arg) {
  (void)arg;
  if (mc_bell_fd() < 0)
    return 1;
  pid_t pid = fork();
  if (pid == 0)
    return hang();
  set_mark(0, (uint64_t)pid);
  return hang();
}

static int opens_its_bell(void *arg) {
  (void)arg;
  int fd = mc_bell_fd();
  mc_member_ring(mc_member_self());
  return fd < 0;
}

static void test_the_bell_of_a_dead_member(void **state) {
  (void)state;
  struct mc_member first, second;
  pid_t pid = fork_member(&first, leaves_its_bell_open, NULL);
  while (marks[0] == 0)
    sched_yield();
  kill_member(pid);
  assert_int_equal(mc_members_reap(), 1);
  pid = fork_member(&second, opens_its_bell, NULL);
  int rc = wait_for(pid);
  kill((pid_t)marks[0], SIGKILL);
  assert_int_equal(second.slot, first.slot);
  assert_int_equal(rc, 0);
  mc_members_reap();
  audit_now();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_several, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_baton, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_looker, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_rung_is_awake, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_awake_after_a_death, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_loop, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_wait_while_armed, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_dropped_while_armed, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_armed_while_armed, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_the_bell_of_a_dead_member, small_space,
                                      close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
