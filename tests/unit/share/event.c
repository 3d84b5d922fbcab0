/* Events and connections. */
#include "support.h"

#include "share/connection.h"
#include "share/event.h"

static mc_ref new_event(void) {
  mc_ref event = 0;
  assert_int_equal(mc_event_create(&event), 0);
  return event;
}

static void test_set_and_clear(void **state) {
  (void)state;
  mc_ref e = new_event();
  assert_false(mc_event_is_set(e));
  uint32_t sets = mc_event_sets(e);
  struct mc_wait_for set = {e, MC_SET}, since = {e, mc_want_since(MC_SET, sets)};
  assert_int_equal(mc_wait(&set, 1, MC_NOW), MC_TIMEOUT);
  assert_int_equal(mc_wait(&since, 1, MC_NOW), MC_TIMEOUT);
  mc_event_set(e);
  assert_true(mc_event_is_set(e));
  assert_int_not_equal(mc_event_sets(e), sets);
  assert_int_equal(mc_wait(&set, 1, MC_NOW), 0);
  mc_event_clear(e);
  assert_false(mc_event_is_set(e));
  assert_int_equal(mc_wait(&set, 1, MC_NOW), MC_TIMEOUT);
  assert_int_equal(mc_wait(&since, 1, MC_NOW), 0); /* it was set meanwhile */
  sets = mc_event_sets(e);
  mc_event_clear(e);
  assert_int_equal(mc_event_sets(e), sets);
  audit_now();
}

static int waits(void *arg) {
  mc_ref e = *(mc_ref *)arg;
  for (int i = 0; i < 50; i++) {
    uint32_t sets = mc_event_sets(e);
    __atomic_fetch_add((uint64_t *)&marks[0], 1, __ATOMIC_SEQ_CST);
    struct mc_wait_for set = {e, mc_want_since(MC_SET, sets)};
    while (mc_event_sets(e) == sets)
      mc_wait(&set, 1, MC_FOREVER);
    __atomic_fetch_add((uint64_t *)&marks[1], 1, __ATOMIC_SEQ_CST);
  }
  mc_member_leave();
  return 0;
}

/* A pulse reaches all who wait, wherever they are on their way to sleep. */
static void test_pulses(void **state) {
  (void)state;
  mc_ref e = new_event();
  pid_t pids[4];
  for (int i = 0; i < 4; i++)
    pids[i] = fork_member(NULL, waits, &e);
  for (uint64_t i = 1; i <= 50; i++) {
    await_mark(0, 4 * i);
    mc_event_set(e);
    mc_event_clear(e);
    await_mark(1, 4 * i);
  }
  for (int i = 0; i < 4; i++)
    assert_int_equal(wait_for(pids[i]), 0);
}

static void test_connection(void **state) {
  (void)state;
  uint64_t before = in_use();
  mc_ref in = new_queue(0, MC_RETURN), out = new_queue(0, MC_RETURN);
  mc_ref both = 0, reads = 0, writes = 0;
  assert_int_equal(mc_connection_create(in, out, &both), 0);
  assert_int_equal(mc_connection_create(in, 0, &reads), 0);
  assert_int_equal(mc_connection_create(0, out, &writes), 0);
  assert_int_equal(mc_object_kind(both), MC_KIND_CONNECTION);
  assert_int_equal(mc_connection_incoming(both), in);
  assert_int_equal(mc_connection_outgoing(both), out);
  assert_int_equal(mc_connection_incoming(reads), in);
  assert_int_equal(mc_connection_outgoing(reads), 0);
  assert_int_equal(mc_connection_incoming(writes), 0);
  assert_int_equal(mc_connection_outgoing(writes), out);
  put_number(in, 1);
  mc_object_drop(in);
  mc_object_drop(out);
  assert_int_equal(audit_now().objects, 5); /* the connections have them */
  assert_int_equal(take_number(in), 1);
  mc_object_drop(both);
  mc_object_drop(reads);
  assert_int_equal(audit_now().objects, 2);
  mc_object_drop(writes);
  assert_int_equal(audit_now().objects, 0);
  assert_int_equal(in_use(), before);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, small_space, close_space)
  const struct CMUnitTest tests[] = {TEST(test_set_and_clear), TEST(test_pulses),
                                     TEST(test_connection)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
