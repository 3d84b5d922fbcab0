#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bind/suspended.h"
#include <stdlib.h>

#define WAITS 200
#define KINDS 6

static struct bind_wait waits[WAITS];
static bool there[WAITS], seen[WAITS];
static char things[KINDS * 16]; /* what they wait for */

static bool ready(struct bind_wait *wait) {
  (void)wait;
  return false;
}

static void see(const struct bind_wait *wait) {
  size_t i = (size_t)(wait - waits);
  assert_true(i < WAITS && there[i] && !seen[i]);
  seen[i] = true;
}

/* Each one that is there is found once, and followers are like their leaders. */
static size_t check_all(void) {
  size_t leaders = 0, found = 0, wanted = 0;
  for (size_t i = 0; i < WAITS; i++) {
    seen[i] = false;
    wanted += there[i];
  }
  for (struct bind_wait *a = bind_suspended_first(); a; a = a->next, leaders++, found++) {
    see(a);
    assert_false(a->follows);
    assert_true(!a->next || a->next->previous == a);
    struct bind_wait *before = a;
    for (struct bind_wait *b = a->child; b; before = b, b = b->next, found++) {
      see(b);
      assert_true(b->follows && b->previous == before);
      assert_true(a->alike && b->alike && a->data == b->data && a->looks == b->looks);
      assert_true(a->deadline == MC_FOREVER && b->deadline == MC_FOREVER);
    }
  }
  assert_int_equal(found, wanted);
  return leaders;
}

static struct bind_wait make(void) {
  return (struct bind_wait){
      .ready = ready,
      .data = things + 16 * (rand() % KINDS),
      .looks = (unsigned)rand() % 2,
      .alike = rand() % 5 > 0,
      .deadline = rand() % 5 > 0 ? MC_FOREVER : 1000,
  };
}

static void all_are_found_whatever_comes_and_goes(void **state) {
  (void)state;
  srand(1);
  for (int i = 0; i < 20000; i++) {
    size_t which = (size_t)rand() % WAITS;
    bool grow = i / 1000 % 2 == 0 ? rand() % 3 > 0 : rand() % 3 == 0;
    if (!there[which] && grow) {
      waits[which] = make();
      bind_suspended_add(&waits[which]);
      there[which] = true;
    } else if (there[which] && !grow) {
      bind_suspended_remove(&waits[which]);
      there[which] = false;
    }
    check_all();
  }
  for (size_t i = 0; i < WAITS; i++)
    waits[i].task = (struct bind_task *)things;
  bind_suspended_forget();
  for (size_t i = 0; i < WAITS; i++) {
    assert_true(!there[i] == (waits[i].task != NULL));
    there[i] = false;
  }
  assert_int_equal(check_all(), 0);
}

static void those_alike_have_one_leader(void **state) {
  (void)state;
  for (size_t i = 0; i < WAITS; i++) {
    waits[i] = (struct bind_wait){.ready = ready,
                                  .data = things + 16 * (i % 2),
                                  .alike = true,
                                  .deadline = MC_FOREVER};
    bind_suspended_add(&waits[i]);
    there[i] = true;
  }
  assert_int_equal(check_all(), 2);
  for (size_t i = 0; i < WAITS; i++) { /* the first ones lead */
    bind_suspended_remove(&waits[i]);
    there[i] = false;
    assert_int_equal(check_all(), i < WAITS - 2 ? 2 : WAITS - 1 - i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_are_found_whatever_comes_and_goes),
      cmocka_unit_test(those_alike_have_one_leader),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
