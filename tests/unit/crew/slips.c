#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crew/slips.h"

#include <sys/wait.h>
#include <unistd.h>

static uint64_t id_of(uint64_t number, uint32_t place) {
  return number * MC_SLIPS_MAX + place;
}

static void test_places(void **state) {
  (void)state;
  struct mc_slips *slips = mc_slips_create(8);
  assert_non_null(slips);
  assert_false(mc_slips_given_up(slips, id_of(1, 3)));
  mc_slips_give_up(slips, id_of(1, 3));
  assert_true(mc_slips_given_up(slips, id_of(1, 3)));
  assert_false(mc_slips_given_up(slips, id_of(2, 3))); /* the next task in that place */
  assert_false(mc_slips_given_up(slips, id_of(1, 4)));
  mc_slips_give_up(slips, id_of(1, 8)); /* no such place: nothing */
  assert_false(mc_slips_given_up(slips, id_of(1, 8)));
  assert_false(mc_slips_given_up(slips, id_of(1, MC_SLIPS_MAX - 1)));
  mc_slips_destroy(slips);
  mc_slips_destroy(NULL);
  assert_null(mc_slips_create(MC_SLIPS_MAX + 1));
}

/* A child that was forked before sees what its parent gives up. */
static void test_shared(void **state) {
  (void)state;
  struct mc_slips *slips = mc_slips_create(MC_SLIPS_MAX);
  uint64_t last = id_of(7, MC_SLIPS_MAX - 1);
  int status = -1;
  pid_t child = fork();
  if (child == 0) {
    while (!mc_slips_given_up(slips, last))
      ;
    _exit(0);
  }
  mc_slips_give_up(slips, last);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  mc_slips_destroy(slips);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_places),
      cmocka_unit_test(test_shared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
