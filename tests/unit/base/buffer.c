/* The reused buffer: it grows, keeps what it holds, and survives a lack of memory. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_appends_in_order_and_keeps_bytes(void **state) {
  (void)state;
  struct mc_buffer buffer = {0};
  for (int i = 0; i < 100000; i++)
    assert_true(mc_buffer_byte(&buffer, (unsigned char)i));
  assert_true(mc_buffer_append(&buffer, "end", 3));
  assert_int_equal(buffer.length, 100003);
  assert_true(buffer.capacity >= buffer.length);
  for (int i = 0; i < 100000; i++)
    assert_int_equal(buffer.data[i], (unsigned char)i);
  assert_memory_equal(buffer.data + 100000, "end", 3);
  mc_buffer_free(&buffer);
}

static void test_appending_nothing_needs_no_bytes(void **state) {
  (void)state;
  struct mc_buffer buffer = {0};
  assert_true(mc_buffer_append(&buffer, NULL, 0));
  assert_int_equal(buffer.length, 0);
  mc_buffer_free(&buffer);
}

static void test_a_reserve_leaves_the_length(void **state) {
  (void)state;
  struct mc_buffer buffer = {0};
  assert_true(mc_buffer_byte(&buffer, 'x'));
  assert_true(mc_buffer_reserve(&buffer, 5000));
  assert_int_equal(buffer.length, 1);
  assert_true(buffer.capacity >= 5001);
  assert_int_equal(buffer.data[0], 'x');
  const unsigned char *before = buffer.data;
  assert_true(mc_buffer_reserve(&buffer, 5000));
  assert_ptr_equal(buffer.data, before);
  mc_buffer_free(&buffer);
}

static void test_too_much_is_refused_and_changes_nothing(void **state) {
  (void)state;
  struct mc_buffer buffer = {0};
  assert_true(mc_buffer_append(&buffer, "kept", 4));
  struct mc_buffer before = buffer;
  assert_false(mc_buffer_reserve(&buffer, SIZE_MAX));
  assert_false(mc_buffer_reserve(&buffer, SIZE_MAX / 2));
  assert_memory_equal(&buffer, &before, sizeof buffer);
  assert_memory_equal(buffer.data, "kept", 4);
  mc_buffer_free(&buffer);
}

static void test_a_freed_buffer_is_empty_and_usable(void **state) {
  (void)state;
  struct mc_buffer buffer = {0};
  assert_true(mc_buffer_append(&buffer, "a", 1));
  mc_buffer_free(&buffer);
  assert_null(buffer.data);
  assert_int_equal(buffer.length, 0);
  assert_int_equal(buffer.capacity, 0);
  mc_buffer_free(&buffer);
  assert_true(mc_buffer_append(&buffer, "b", 1));
  assert_int_equal(buffer.data[0], 'b');
  mc_buffer_free(&buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_appends_in_order_and_keeps_bytes),
      cmocka_unit_test(test_appending_nothing_needs_no_bytes),
      cmocka_unit_test(test_a_reserve_leaves_the_length),
      cmocka_unit_test(test_too_much_is_refused_and_changes_nothing),
      cmocka_unit_test(test_a_freed_buffer_is_empty_and_usable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
