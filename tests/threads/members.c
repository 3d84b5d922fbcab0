/* Threads that come, leave and die while others use the space. */
#include "threads/support/crew.h"

#include "base/error.h"
#include "share/object.h"
#include "share/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static mc_ref queue;

static void put_some(void *data) {
  (void)data;
  for (uint32_t i = 0; i < 300; i++)
    crew_put(queue, i, 0);
}

static void take_some(void *data) {
  (void)data;
  struct mc_lease lease;
  for (uint32_t i = 0; i < 300; i++) {
    if (mc_queue_take(queue, &lease, 1, MC_FOREVER) != 1)
      return;
    mc_lease_settle(&lease);
  }
}

/* Puts queues of its own into messages, and holds those of others. */
static void exchange(void *data) {
  (void)data;
  struct mc_lease lease;
  for (uint32_t i = 0; i < 200; i++) {
    mc_ref own = crew_queue(0);
    crew_put(own, i, 0);
    crew_put(queue, i, own);
    mc_object_drop(own);
    if (mc_queue_take(queue, &lease, 1, MC_FOREVER) != 1)
      return;
    mc_ref other = lease.handles[0];
    if (mc_object_hold(other) != 0)
      return;
    mc_lease_settle(&lease);
    crew_put(other, i, 0);
    mc_object_drop(other);
  }
}

static void come_and_go(void **state) {
  (void)state;
  queue = crew_queue(10);
  for (int i = 0; i < 10; i++) {
    crew_start(put_some, NULL);
    crew_start(take_some, NULL);
    crew_start(put_some, NULL);
    crew_start(take_some, NULL);
    crew_join();
  }
  assert_int_equal(mc_queue_size(queue), 0);
  mc_object_drop(queue);
}

static void handles(void **state) {
  (void)state;
  queue = crew_queue(0);
  for (unsigned i = 0; i < CREW; i++)
    crew_start(exchange, NULL);
  crew_join();
  assert_int_equal(mc_queue_size(queue), 0);
  mc_object_drop(queue);
}

static void take_and_die(void *data) {
  (void)data;
  struct mc_lease lease;
  mc_queue_take(queue, &lease, 1, MC_FOREVER);
  crew_queue(0);
}

/* What a thread has in hand when it ends comes back, whoever reaps it. */
static void deaths(void **state) {
  (void)state;
  queue = crew_queue(0);
  for (uint32_t i = 0; i < 3; i++)
    crew_put(queue, i, 0);
  for (unsigned i = 0; i < 3; i++)
    crew_start_mortal(take_and_die, NULL);
  crew_join();
  assert_int_equal(mc_queue_size(queue), 0);
  assert_int_equal(mc_members_reap(), 3);
  assert_int_equal(mc_queue_size(queue), 3);
  struct mc_lease lease;
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(mc_queue_try_take(queue, &lease, 1), 1);
    uint32_t number;
    memcpy(&number, lease.bytes, sizeof(number));
    assert_int_equal(number, i);
    mc_lease_settle(&lease);
  }
  mc_object_drop(queue);
}

static void wait_both(void *data) {
  const mc_ref *both = data;
  const struct mc_wait_for list[] = {{both[0], MC_READABLE}, {both[1], MC_READABLE}};
  struct mc_lease lease;
  for (uint32_t n = 0; n < 200;) {
    if (mc_wait(list, 2, MC_FOREVER) != 0)
      return;
    for (unsigned i = 0; i < 2; i++) {
      if (mc_queue_try_take(both[i], &lease, 1) == 1) {
        mc_lease_settle(&lease);
        n++;
      }
    }
  }
}

static void put_both(void *data) {
  const mc_ref *both = data;
  for (uint32_t i = 0; i < 100; i++) {
    crew_put(both[0], i, 0);
    crew_put(both[1], i, 0);
  }
}

static void waits_on_several(void **state) {
  (void)state;
  mc_ref both[2] = {crew_queue(0), crew_queue(2)};
  crew_start(wait_both, both);
  crew_start(put_both, both);
  crew_join();
  assert_int_equal(mc_queue_size(both[0]) + mc_queue_size(both[1]), 0);
  mc_object_drop(both[0]);
  mc_object_drop(both[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(come_and_go, crew_setup, crew_teardown),
      cmocka_unit_test_setup_teardown(handles, crew_setup, crew_teardown),
      cmocka_unit_test_setup_teardown(deaths, crew_setup, crew_teardown),
      cmocka_unit_test_setup_teardown(waits_on_several, crew_setup, crew_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
