#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/guard.h"
#include "os/pollset.h"
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct mc_guard guard;
static int turn;

static void *take_turns(void *data) {
  (void)data;
  mc_guard_lock(&guard);
  for (int i = 0; i < 1000; i++) {
    while (turn % 2 == 0)
      mc_guard_wait(&guard, MC_FOREVER);
    turn++;
    mc_guard_wake(&guard);
  }
  mc_guard_unlock(&guard);
  return NULL;
}

static void test_guard(void **state) {
  (void)state;
  pthread_t thread;
  assert_int_equal(mc_guard_init(&guard), 0);
  assert_int_equal(mc_thread_count(), 1);
  assert_int_equal(pthread_create(&thread, NULL, take_turns, NULL), 0);
  assert_int_equal(mc_thread_count(), 2);
  mc_guard_lock(&guard);
  for (int i = 0; i < 1000; i++) {
    while (turn % 2 == 1)
      mc_guard_wait(&guard, MC_FOREVER);
    turn++;
    mc_guard_wake(&guard);
  }
  mc_guard_unlock(&guard);
  pthread_join(thread, NULL);
  assert_int_equal(turn, 2000);
  mc_guard_destroy(&guard);
}

static void test_deadline(void **state) {
  (void)state;
  assert_int_equal(mc_guard_init(&guard), 0);
  mc_time deadline = mc_deadline(0.01);
  mc_guard_lock(&guard);
  while (mc_now() < deadline)
    mc_guard_wait(&guard, deadline);
  mc_guard_wait(&guard, MC_NOW);
  mc_guard_unlock(&guard);
  mc_guard_destroy(&guard);
}

static int seen, cancelled;

static void *sleep_in_vain(void *data) {
  (void)data;
  int old = mc_cancel_off();
  __atomic_store_n(&seen, 1, __ATOMIC_RELEASE);
  while (!__atomic_load_n(&cancelled, __ATOMIC_ACQUIRE))
    usleep(100);
  usleep(1); /* a place where a thread could be cancelled */
  seen = 2;
  mc_cancel_restore(old);
  pause();
  seen = 3;
  return NULL;
}

static void test_cancel(void **state) {
  (void)state;
  void *result;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, sleep_in_vain, NULL), 0);
  while (__atomic_load_n(&seen, __ATOMIC_ACQUIRE) == 0)
    sched_yield();
  pthread_cancel(thread);
  __atomic_store_n(&cancelled, 1, __ATOMIC_RELEASE);
  pthread_join(thread, &result);
  assert_true(result == PTHREAD_CANCELED);
  assert_int_equal(seen, 2);
}

static int ready(int set) {
  struct pollfd poll_for = {.fd = set, .events = POLLIN};
  return poll(&poll_for, 1, 0);
}

static void test_pollset(void **state) {
  (void)state;
  int set = mc_pollset_open(), flag = mc_flag_open(), ends[2];
  assert_true(set >= 0 && flag >= 0);
  assert_true(fcntl(set, F_GETFD) & fcntl(flag, F_GETFD) & FD_CLOEXEC);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(mc_pollset_add(set, flag) | mc_pollset_add(set, ends[0]), 0);
  assert_int_equal(mc_pollset_add(set, flag), -EEXIST);
  assert_int_equal(ready(set), 0);
  mc_flag_raise(flag);
  mc_flag_raise(flag);
  assert_int_equal(ready(set), 1);
  assert_int_equal(ready(set), 1); /* it stays */
  mc_flag_lower(flag);
  mc_flag_lower(flag);
  assert_int_equal(ready(set), 0);
  assert_int_equal(write(ends[1], "x", 1), 1);
  assert_int_equal(ready(set), 1);
  char byte;
  assert_int_equal(read(ends[0], &byte, 1), 1);
  assert_int_equal(ready(set), 0);
  assert_int_equal(mc_pollset_want_room(set, ends[0], true), 0);
  assert_int_equal(ready(set), 1);
  assert_int_equal(mc_pollset_want_room(set, ends[0], false), 0);
  assert_int_equal(ready(set), 0);
  close(ends[1]);
  assert_int_equal(ready(set), 1);
  mc_pollset_remove(set, ends[0]);
  assert_int_equal(ready(set), 0);
  assert_int_equal(mc_pollset_want_room(set, ends[0], true), -ENOENT);
  close(ends[0]);
  close(flag);
  close(set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_guard),
      cmocka_unit_test(test_deadline),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_pollset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
