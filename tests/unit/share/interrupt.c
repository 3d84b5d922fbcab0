/* A signal handler ends a wait, however the signal falls: before it, within it, with a
 * ring. */
#include "support.h"

#include <sys/time.h>

static void on_signal(int number) {
  (void)number;
  mc_wait_interrupt();
}

static struct mc_wait_for item_of(mc_ref queue) {
  return (struct mc_wait_for){queue, MC_READABLE};
}

static void test_before_the_wait(void **state) {
  (void)state;
  struct mc_wait_for item = item_of(new_queue(0, MC_RETURN));
  mc_wait_interrupt();
  assert_int_equal(mc_wait(&item, 1, MC_FOREVER), MC_INTERRUPTED);
  assert_int_equal(mc_wait(&item, 1, mc_deadline(0.001)), MC_TIMEOUT);
}

static void test_beats_an_item(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  struct mc_wait_for item = item_of(queue);
  assert_int_equal(put_number(queue, 1), 1);
  mc_wait_interrupt();
  assert_int_equal(mc_wait(&item, 1, MC_FOREVER), MC_INTERRUPTED);
  assert_int_equal(mc_wait(&item, 1, MC_FOREVER), 0);
}

static void test_at_any_time(void **state) {
  (void)state;
  struct mc_wait_for item = item_of(new_queue(0, MC_RETURN));
  struct sigaction old, action = {.sa_handler = on_signal};
  sigaction(SIGALRM, &action, &old);
  for (int i = 0; i < 500; i++) {
    struct itimerval timer = {.it_value = {.tv_usec = 1 + i % 100}};
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    assert_int_equal(mc_wait(&item, 1, MC_FOREVER), MC_INTERRUPTED);
  }
  sigaction(SIGALRM, &old, NULL);
}

/* As when Ctrl-C ends a child at the same time: its death rings the bell too. */
static void test_with_a_ring(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  struct mc_wait_for item = item_of(queue);
  struct mc_lease lease;
  mc_wait_interrupt();
  mc_member_ring(mc_member_self());
  assert_int_equal(mc_queue_take(queue, &lease, 1, MC_FOREVER), MC_INTERRUPTED);
  assert_int_equal(mc_wait(&item, 1, mc_deadline(0.001)), MC_TIMEOUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_before_the_wait, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_beats_an_item, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_at_any_time, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_with_a_ring, small_space, close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
