#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bind/sleepers.h"
#include <stdlib.h>

#define WAITS 300

static struct bind_wait waits[WAITS];
static bool there[WAITS];

static mc_time earliest(void) {
  mc_time least = MC_FOREVER;
  for (size_t i = 0; i < WAITS; i++)
    if (there[i] && waits[i].deadline < least)
      least = waits[i].deadline;
  return least;
}

static void check_first(void) {
  struct bind_wait *first = bind_sleepers_first();
  mc_time least = earliest();
  if (first)
    assert_true(there[first - waits]);
  assert_true((first ? first->deadline : MC_FOREVER) == least);
}

static void first_is_the_earliest_whatever_comes_and_goes(void **state) {
  (void)state;
  srand(1);
  for (int i = 0; i < 50000; i++) {
    size_t which = (size_t)rand() % WAITS;
    /* By turns more come and more go; many have the same deadline. */
    bool grow = i / 1000 % 2 == 0 ? rand() % 3 > 0 : rand() % 3 == 0;
    if (!there[which] && grow) {
      waits[which] = (struct bind_wait){.deadline = (mc_time)(1 + rand() % 100)};
      bind_sleepers_add(&waits[which]);
      there[which] = true;
    } else if (there[which] && !grow) {
      bind_sleepers_remove(&waits[which]);
      there[which] = false;
    }
    check_first();
  }
  while (bind_sleepers_first()) {
    there[bind_sleepers_first() - waits] = false;
    bind_sleepers_remove(bind_sleepers_first());
    check_first();
  }
}

static void all_are_forgotten(void **state) {
  (void)state;
  for (size_t i = 0; i < WAITS; i++) {
    waits[i] = (struct bind_wait){.deadline = (mc_time)(1 + i * 7 % WAITS)};
    waits[i].task = (struct bind_task *)&there[i];
    bind_sleepers_add(&waits[i]);
  }
  bind_sleepers_remove(bind_sleepers_first()); /* so that it has some depth */
  bind_sleepers_forget();
  assert_null(bind_sleepers_first());
  size_t suspended = 0;
  for (size_t i = 0; i < WAITS; i++) {
    suspended += waits[i].task != NULL;
    assert_null(waits[i].child);
    assert_null(waits[i].next);
    assert_null(waits[i].previous);
  }
  assert_int_equal(suspended, 1); /* the one that was taken out before */
  bind_sleepers_forget();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_is_the_earliest_whatever_comes_and_goes),
      cmocka_unit_test(all_are_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
