/* The process's loop: turns end by a callback, a bell, an interrupt or the deadline. */
#include "crew/loop.h"
#include "base/error.h"
#include "crew/child.h"
#include "crew/interrupt.h"
#include "share/object.h"
#include "share/queue.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static mc_ref queue;

static int put_one(void *data) {
  (void)data;
  struct mc_message message = {.bytes = "x", .length = 1};
  return mc_queue_put(queue, &message, 1, MC_FOREVER) == 1 ? 0 : 1;
}

static int take_and_put(void *data) {
  (void)data;
  struct mc_wait_for wait = {queue, MC_READABLE};
  struct mc_lease lease;
  /* The child's loop is its own: its parent's was made already. */
  while (mc_queue_try_take(queue, &lease, 1) != 1) {
    if (mc_loop_turn(&wait, 1, MC_FOREVER, NULL))
      return 1;
    mc_loop_turned(&wait, 1);
  }
  mc_lease_settle(&lease);
  return 5;
}

static void wakes_by_the_bell_of_another_process(void **state) {
  (void)state;
  struct mc_wait_for wait = {queue, MC_READABLE};
  struct mc_lease lease;
  struct mc_child child;
  assert_int_equal(mc_child_start(&child, MC_SIGNALS_DEFAULT, put_one, NULL), 0);
  while (mc_queue_try_take(queue, &lease, 1) != 1) {
    assert_int_equal(mc_loop_turn(&wait, 1, MC_FOREVER, NULL), 0);
    mc_loop_turned(&wait, 1);
  }
  mc_lease_settle(&lease);
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0);
}

static void a_forked_child_has_a_loop_of_its_own(void **state) {
  (void)state;
  struct mc_child child;
  assert_non_null(mc_loop(NULL));
  assert_int_equal(mc_child_start(&child, MC_SIGNALS_DEFAULT, take_and_put, NULL), 0);
  assert_int_equal(put_one(NULL), 0);
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0);
  assert_int_equal(child.code, 5);
}

static void ends_a_turn_at_its_deadline(void **state) {
  (void)state;
  alarm(60); /* a turn whose time is over already must not sleep for ever */
  assert_int_equal(mc_loop_turn(NULL, 0, mc_now(), NULL), 0);
  mc_loop_turned(NULL, 0);
  alarm(0);
  mc_time deadline = mc_deadline(0.01);
  while (mc_now() < deadline) {
    assert_int_equal(mc_loop_turn(NULL, 0, deadline, NULL), 0);
    mc_loop_turned(NULL, 0);
  }
  assert_false(mc_loop_is_busy());
}

static void on_timer(uv_timer_t *timer) {
  *(int *)timer->data += 1;
}

static void runs_the_callbacks_of_others(void **state) {
  (void)state;
  int fired = 0;
  uv_timer_t timer = {.data = &fired};
  uv_timer_init(mc_loop(NULL), &timer);
  uv_timer_start(&timer, on_timer, 1, 0);
  assert_true(mc_loop_is_busy());
  while (!fired) {
    assert_int_equal(mc_loop_turn(NULL, 0, MC_FOREVER, NULL), 0);
    mc_loop_turned(NULL, 0);
  }
  assert_false(mc_loop_is_busy());
  uv_close((uv_handle_t *)&timer, NULL);
  mc_loop_run_pending();
}

static void on_alarm(int number) {
  (void)number;
  mc_interrupt(MC_CTRL_C);
}

static void an_interrupt_ends_the_turn(void **state) {
  (void)state;
  struct sigaction action = {.sa_handler = on_alarm}, old;
  sigaction(SIGALRM, &action, &old);
  assert_false(mc_interrupt_take());
  ualarm(20000, 0);
  bool came = false;
  while (!came) {
    assert_int_equal(mc_loop_turn(NULL, 0, MC_FOREVER, NULL), 0);
    mc_loop_turned(NULL, 0);
    came = mc_interrupt_take() == MC_CTRL_C;
  }
  assert_false(mc_interrupt_take());
  sigaction(SIGALRM, &old, NULL);
}

static int open_all(void **state) {
  (void)state;
  struct mc_queue_options options = {0, MC_RETURN};
  return mc_space_create(64u << 20) || mc_queue_create(&options, &queue);
}

static int close_all(void **state) {
  (void)state;
  mc_object_drop(queue);
  mc_loop_close();
  mc_watcher_stop();
  return mc_loop_if_made() != NULL;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wakes_by_the_bell_of_another_process),
      cmocka_unit_test(a_forked_child_has_a_loop_of_its_own),
      cmocka_unit_test(ends_a_turn_at_its_deadline),
      cmocka_unit_test(runs_the_callbacks_of_others),
      cmocka_unit_test(an_interrupt_ends_the_turn),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
