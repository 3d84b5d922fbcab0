/* Every code has a text and a kind, and an errno says what the system says. */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_each_code_has_its_text(void **state) {
  (void)state;
#define CHECK(name, value, text)                                                         \
  assert_string_equal(mc_strerror(MC_##name), text);                                     \
  assert_int_equal(MC_##name, value);
  MC_ERROR_LIST(CHECK)
#undef CHECK
}

static void test_no_code_is_an_errno(void **state) {
  (void)state;
#define CHECK(name, value, text) assert_true(MC_##name < -4095);
  MC_ERROR_LIST(CHECK)
#undef CHECK
}

static void test_an_errno_says_what_the_system_says(void **state) {
  (void)state;
  assert_string_equal(mc_strerror(-ENOENT), "No such file or directory");
  assert_string_equal(mc_strerror(ENOENT), "No such file or directory");
  assert_non_null(strstr(mc_strerror(-EAGAIN), "ulimit -u"));
}

static void test_an_unknown_code_still_has_a_text(void **state) {
  (void)state;
  assert_non_null(strstr(mc_strerror(-4999), "4999"));
}

static void test_kinds_are_spelled_as_scripts_see_them(void **state) {
  (void)state;
  assert_string_equal(mc_error_kind(MC_EMPTY), "Empty");
  assert_string_equal(mc_error_kind(MC_FULL), "Full");
  assert_string_equal(mc_error_kind(MC_CLOSED), "Closed");
  assert_string_equal(mc_error_kind(MC_TIMEOUT), "Timeout");
  assert_string_equal(mc_error_kind(MC_CANCELLED), "Cancelled");
  assert_string_equal(mc_error_kind(MC_SKIPPED), "Skipped");
  assert_string_equal(mc_error_kind(MC_NOMEM), "NoMemory");
  assert_string_equal(mc_error_kind(MC_TOOBIG), "NoMemory");
  assert_string_equal(mc_error_kind(-EPIPE), "OSError");
  assert_string_equal(mc_error_kind(-4999), "OSError");
}

static void test_every_code_of_ours_has_a_kind(void **state) {
  (void)state;
#define CHECK(name, value, text)                                                         \
  assert_string_not_equal(mc_error_kind(MC_##name), "OSError");
  MC_ERROR_LIST(CHECK)
#undef CHECK
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_code_has_its_text),
      cmocka_unit_test(test_no_code_is_an_errno),
      cmocka_unit_test(test_an_errno_says_what_the_system_says),
      cmocka_unit_test(test_an_unknown_code_still_has_a_text),
      cmocka_unit_test(test_kinds_are_spelled_as_scripts_see_them),
      cmocka_unit_test(test_every_code_of_ours_has_a_kind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
