#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/size.h"

static void test_sizes(void **state) {
  (void)state;
  assert_int_equal(mc_parse_size("1"), 1);
  assert_int_equal(mc_parse_size("4096"), 4096);
  assert_int_equal(mc_parse_size("3k"), 3 << 10);
  assert_int_equal(mc_parse_size("256M"), 256 << 20);
  assert_true(mc_parse_size("2g") == (uint64_t)2 << 30);
  assert_true(mc_parse_size("15T") == (uint64_t)15 << 40);
  assert_true(mc_parse_size("18446744073709551615") == UINT64_MAX);
}

static void test_what_is_none(void **state) {
  (void)state;
  static const char *const none[] = {
      "",    "0",     "0M",          "M",   "-1",
      "+1",  " 1",    "1 ",          "1MB", "1.5M",
      "0x1", "1M\n2", "1P",          "inf", "18446744073709551616",
      "2MM", "1e3",   "17179869184G"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    assert_int_equal(mc_parse_size(none[i]), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_what_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
