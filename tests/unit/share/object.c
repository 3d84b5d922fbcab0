#include "support.h"

static int put_handles(mc_ref queue, const mc_ref *handles, uint32_t n) {
  struct mc_message message = {
      .bytes = "text", .length = 4, .handles = handles, .n_handles = n};
  return mc_queue_try_put(queue, &message, 1);
}

static void test_kind(void **state) {
  (void)state;
  assert_int_equal(mc_object_kind(0), MC_KIND_NONE);
  assert_int_equal(mc_object_kind(UINT32_MAX), MC_KIND_NONE);
  mc_ref queue = new_queue(0, MC_RETURN);
  assert_int_equal(mc_object_kind(queue), MC_KIND_QUEUE);
  for (mc_ref near = queue - 63; near < queue + 64; near++)
    assert_int_equal(mc_object_kind(near), near == queue ? MC_KIND_QUEUE : MC_KIND_NONE);
  mc_object_drop(queue);
  assert_int_equal(mc_object_kind(queue), MC_KIND_NONE);
  mc_object_drop(queue); /* not held: nothing */
  audit_now();
}

static void test_holds_are_counted(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  assert_int_equal(mc_object_hold(queue), 0);
  assert_int_equal(mc_object_hold(queue), 0);
  mc_object_drop(queue);
  mc_object_drop(queue);
  assert_int_equal(mc_object_kind(queue), MC_KIND_QUEUE);
  mc_object_drop(queue);
  assert_int_equal(mc_object_kind(queue), MC_KIND_NONE);
}

/* Thousands, dropped in an order that moves the list's entries about. */
static void test_many(void **state) {
  (void)state;
  enum { N = 5000 };
  static mc_ref queues[N];
  uint64_t before = in_use();
  for (int i = 0; i < N; i++) {
    queues[i] = new_queue(0, MC_RETURN);
    if (i % 50 == 0)
      put_number(queues[i], 1);
  }
  assert_int_equal(audit_now().objects, N);
  for (int i = 0; i < N; i++)
    mc_object_drop(queues[(uint64_t)i * 1237 % N]);
  assert_int_equal(audit_now().objects, 0);
  assert_int_equal(in_use(), before);
}

static void test_message_keeps_object(void **state) {
  (void)state;
  uint64_t before = in_use();
  mc_ref queue = new_queue(0, MC_RETURN), inner = new_queue(0, MC_RETURN);
  put_number(inner, 77);
  assert_int_equal(put_handles(queue, &inner, 1), 1);
  mc_object_drop(inner);
  assert_int_equal(mc_object_kind(inner), MC_KIND_QUEUE);
  audit_now();
  struct mc_lease lease;
  assert_int_equal(mc_queue_try_take(queue, &lease, 1), 1);
  assert_int_equal(lease.n_handles, 1);
  assert_int_equal(lease.handles[0], inner);
  assert_int_equal(lease.length, 4);
  assert_memory_equal(lease.bytes, "text", 4);
  assert_int_equal(mc_object_hold(lease.handles[0]), 0);
  mc_lease_settle(&lease);
  assert_int_equal(take_number(inner), 77);
  mc_object_drop(inner);
  assert_int_equal(mc_object_kind(inner), MC_KIND_NONE);
  mc_object_drop(queue);
  assert_int_equal(in_use(), before);
  audit_now();
}

/* A chain: each queue holds a message that alone keeps the next one; and a wide message.
 */
static void test_nested(void **state) {
  (void)state;
  enum { N = 1000 };
  static mc_ref queues[N];
  uint64_t before = in_use();
  for (int i = 0; i < N; i++)
    queues[i] = new_queue(0, MC_RETURN);
  for (int i = 0; i + 1 < N; i++)
    assert_int_equal(put_handles(queues[i], &queues[i + 1], 1), 1);
  for (int i = N - 1; i > 0; i--)
    mc_object_drop(queues[i]);
  assert_int_equal(audit_now().objects, N);
  mc_object_drop(queues[0]);
  assert_int_equal(audit_now().objects, 0);

  for (int i = 0; i < N; i++)
    queues[i] = new_queue(0, MC_RETURN);
  mc_ref wide = new_queue(0, MC_BURY);
  assert_int_equal(put_handles(wide, queues, N), 1);
  assert_int_equal(put_handles(wide, queues, N), 1);
  for (int i = 0; i < N; i++)
    mc_object_drop(queues[i]);
  struct mc_lease lease;
  assert_int_equal(mc_queue_try_take(wide, &lease, 1), 1);
  assert_int_equal(lease.n_handles, N);
  assert_memory_equal(lease.handles, queues, sizeof(queues));
  mc_lease_settle(&lease);
  assert_int_equal(audit_now().objects, N + 1);
  mc_object_drop(wide);
  assert_int_equal(audit_now().objects, 0);
  assert_int_equal(in_use(), before);
}

/* A put that is refused leaves no reference behind. */
static void test_refused_put_drops_references(void **state) {
  (void)state;
  mc_ref queue = new_queue(1, MC_RETURN), inner = new_queue(0, MC_RETURN);
  struct mc_message two[2] = {
      {.bytes = "a", .length = 1, .handles = &inner, .n_handles = 1},
      {.bytes = "b", .length = 1, .handles = &inner, .n_handles = 1}};
  assert_int_equal(mc_queue_try_put(queue, two, 2), 1);
  assert_int_equal(mc_queue_try_put(queue, two, 2), MC_FULL);
  audit_now();
  mc_queue_close(queue);
  assert_int_equal(mc_queue_try_put(queue, two, 2), MC_CLOSED);
  audit_now();
  mc_object_drop(inner);
  assert_int_equal(mc_object_kind(inner), MC_KIND_QUEUE);
  mc_object_drop(queue);
  assert_int_equal(mc_object_kind(inner), MC_KIND_NONE);
}

static int uses_inherited(void *arg) {
  mc_ref *queues = arg;
  /* The child's holds are its own: the parent drops its while we use them. */
  set_mark(0, 1);
  await_mark(1, 1);
  for (int i = 0; i < 100; i++)
    if (mc_object_kind(queues[i]) != MC_KIND_QUEUE)
      return 1;
  for (int i = 0; i < 100; i += 2)
    mc_object_drop(queues[i]);
  mc_ref own = new_queue(0, MC_RETURN);
  mc_object_hold(own);
  mc_member_leave();
  return 0;
}

static void test_child_inherits(void **state) {
  (void)state;
  mc_ref queues[100];
  uint64_t before = in_use();
  for (int i = 0; i < 100; i++)
    queues[i] = new_queue(0, MC_RETURN);
  mc_object_drop(queues[3]); /* so that the order differs */
  queues[3] = new_queue(0, MC_RETURN);
  pid_t pid = fork_member(NULL, uses_inherited, queues);
  await_mark(0, 1);
  for (int i = 0; i < 100; i++)
    mc_object_drop(queues[i]);
  assert_int_equal(audit_now().objects, 100);
  set_mark(1, 1);
  assert_int_equal(wait_for(pid), 0);
  assert_int_equal(mc_members_reap(), 0);
  assert_int_equal(audit_now().objects, 0);
  assert_int_equal(in_use(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_kind, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_holds_are_counted, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_many, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_message_keeps_object, small_space,
                                      close_space),
      cmocka_unit_test_setup_teardown(test_nested, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_refused_put_drops_references, small_space,
                                      close_space),
      cmocka_unit_test_setup_teardown(test_child_inherits, small_space, close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
