#include "support.h"

static unsigned char pattern(size_t size, size_t i) {
  return (unsigned char)(size * 31 + i * 7);
}

/* In two pieces: all of it in the first, a half in each, all in the second. */
static int put_pieces(mc_ref queue, const unsigned char *bytes, size_t size, int round) {
  size_t tail = size * (size_t)round / 2;
  struct mc_message message = {.bytes = bytes,
                               .length = size - tail,
                               .tail = bytes + size - tail,
                               .tail_length = tail};
  return mc_queue_try_put(queue, &message, 1);
}

static void test_sizes(void **state) {
  (void)state;
  static const size_t sizes[] = {0,     1,     31,     32,      33,
                                 64,    1000,  4064,   32736,   32737,
                                 65504, 65505, 200000, 1048576, 5000000};
  mc_ref queue = new_queue(0, MC_RETURN);
  uint64_t before = in_use();
  for (int round = 0; round < 3; round++) {
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
      size_t size = sizes[s];
      unsigned char *bytes = malloc(size + 1);
      for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(size, i);
      assert_int_equal(put_pieces(queue, bytes, size, round), 1);
      struct mc_lease lease;
      assert_int_equal(mc_queue_try_take(queue, &lease, 1), 1);
      assert_int_equal(lease.length, size);
      assert_int_equal(lease.n_handles, 0);
      assert_memory_equal(lease.bytes, bytes, size);
      mc_lease_settle(&lease);
      free(bytes);
    }
    if (round == 0)
      before = in_use(); /* with the first segment */
  }
  assert_int_equal(in_use(), before);
  audit_now();
}

static void test_fifo_across_segments(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  uint64_t put = 0, taken = 0;
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 300; i++)
      assert_int_equal(put_number(queue, put++), 1);
    for (int i = 0; i < 290 - round; i++)
      assert_int_equal(take_number(queue), (int64_t)taken++);
    assert_int_equal(mc_queue_size(queue), put - taken);
  }
  audit_now();
  while (taken < put)
    assert_int_equal(take_number(queue), (int64_t)taken++);
  assert_int_equal(take_number(queue), -1);
  audit_now();
}

static void test_batch(void **state) {
  (void)state;
  enum { N = 5000 };
  static uint64_t numbers[N];
  static struct mc_message messages[N];
  for (int i = 0; i < N; i++) {
    numbers[i] = (uint64_t)i;
    messages[i] = (struct mc_message){.bytes = &numbers[i], .length = 8};
  }
  mc_ref queue = new_queue(0, MC_RETURN);
  for (int round = 0; round < 3; round++) {
    assert_int_equal(mc_queue_try_put(queue, messages, N), N);
    assert_int_equal(mc_queue_size(queue), N);
    audit_now();
    uint64_t next = 0;
    struct mc_lease leases[100];
    while (next < N) {
      int n = mc_queue_try_take(queue, leases, 77);
      assert_int_equal(n, N - next < 77 ? N - next : 77);
      for (int i = 0; i < n; i++) {
        assert_memory_equal(leases[i].bytes, &numbers[next], 8);
        next++;
      }
      for (int i = n - 1; i >= 0; i--)
        mc_lease_settle(&leases[i]);
    }
    audit_now();
  }
  assert_int_equal(mc_queue_try_put(queue, messages, 0), 0);
}

static void test_bounded(void **state) {
  (void)state;
  mc_ref queue = new_queue(3, MC_RETURN);
  assert_int_equal(mc_queue_maxsize(queue), 3);
  assert_int_equal(put_number(queue, 1), 1);
  uint64_t numbers[4] = {2, 3, 4, 5};
  struct mc_message messages[4];
  for (int i = 0; i < 4; i++)
    messages[i] = (struct mc_message){.bytes = &numbers[i], .length = 8};
  assert_int_equal(mc_queue_try_put(queue, messages, 4), 2);
  assert_int_equal(put_number(queue, 9), MC_FULL);
  assert_int_equal(mc_queue_size(queue), 3);
  for (int64_t i = 1; i <= 3; i++)
    assert_int_equal(take_number(queue), i);
  assert_int_equal(take_number(queue), -1);
  audit_now();
}

static void test_timeouts(void **state) {
  (void)state;
  mc_ref queue = new_queue(1, MC_RETURN);
  struct mc_lease lease;
  mc_time start = mc_now();
  assert_int_equal(mc_queue_take(queue, &lease, 1, mc_deadline(0.02)), MC_EMPTY);
  assert_true(mc_now() - start >= 20000000u);
  assert_int_equal(mc_queue_take(queue, &lease, 1, MC_NOW), MC_EMPTY);
  uint64_t numbers[2] = {1, 2};
  struct mc_message messages[2] = {{.bytes = &numbers[0], .length = 8},
                                   {.bytes = &numbers[1], .length = 8}};
  start = mc_now();
  assert_int_equal(mc_queue_put(queue, messages, 2, mc_deadline(0.02)), 1);
  assert_true(mc_now() - start >= 20000000u);
  assert_int_equal(mc_queue_put(queue, messages, 1, MC_NOW), MC_FULL);
  assert_int_equal(take_number(queue), 1);
  audit_now();
}

static void test_close(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  assert_false(mc_queue_closed(queue));
  put_number(queue, 1);
  mc_queue_close(queue);
  mc_queue_close(queue);
  assert_true(mc_queue_closed(queue));
  assert_int_equal(put_number(queue, 2), MC_CLOSED);
  struct mc_lease lease;
  assert_int_equal(mc_queue_take(queue, &lease, 1, MC_FOREVER), 1);
  mc_lease_settle(&lease);
  assert_int_equal(mc_queue_take(queue, &lease, 1, MC_FOREVER), MC_CLOSED);
  assert_int_equal(mc_queue_try_take(queue, &lease, 1), MC_CLOSED);
}

static void test_return_keeps_order(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  for (uint64_t i = 0; i < 5; i++)
    put_number(queue, i);
  struct mc_lease leases[4];
  assert_int_equal(mc_queue_try_take(queue, leases, 4), 4);
  mc_lease_return(&leases[2]);
  mc_lease_return(&leases[0]);
  mc_lease_return(&leases[3]);
  mc_lease_settle(&leases[1]);
  assert_int_equal(mc_queue_size(queue), 4);
  audit_now();
  assert_int_equal(mc_queue_try_take(queue, leases, 4),
                   4); /* returned ones and the next */
  uint64_t expected[4] = {0, 2, 3, 4};
  for (int i = 0; i < 4; i++) {
    assert_memory_equal(leases[i].bytes, &expected[i], 8);
    mc_lease_settle(&leases[i]);
  }
  assert_int_equal(take_number(queue), -1);
  audit_now();
}

static void test_too_many_leases(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  struct mc_lease leases[MC_LEASES + 1];
  for (uint64_t i = 0; i < MC_LEASES + 1; i++)
    put_number(queue, i);
  assert_int_equal(mc_queue_try_take(queue, leases, MC_LEASES + 1), MC_LEASES);
  assert_int_equal(mc_queue_try_take(queue, &leases[MC_LEASES], 1), MC_NOSLOT);
  mc_lease_settle(&leases[7]);
  assert_int_equal(mc_queue_try_take(queue, &leases[7], 1), 1);
  for (int i = 0; i < MC_LEASES; i++)
    mc_lease_settle(&leases[i]);
  audit_now();
}

/* A queue let go of while its message is in hand is there until the message is settled.
 */
static void test_drop_with_lease(void **state) {
  (void)state;
  uint64_t before = in_use();
  mc_ref queue = new_queue(0, MC_RETURN);
  put_number(queue, 1);
  put_number(queue, 2);
  struct mc_lease leases[2];
  assert_int_equal(mc_queue_try_take(queue, leases, 2), 2);
  mc_object_drop(queue);
  mc_lease_return(&leases[0]);
  assert_int_equal(mc_object_kind(queue), MC_KIND_QUEUE);
  assert_int_equal(mc_object_hold(queue), 0); /* it can even be taken up again */
  mc_object_drop(queue);
  mc_lease_settle(&leases[1]);
  assert_int_equal(mc_object_kind(queue), MC_KIND_NONE);
  assert_int_equal(in_use(), before);
  audit_now();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_sizes, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_fifo_across_segments, small_space,
                                      close_space),
      cmocka_unit_test_setup_teardown(test_batch, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_bounded, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_timeouts, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_close, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_return_keeps_order, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_too_many_leases, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_drop_with_lease, small_space, close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
