/* A child that was killed between its fork and its adoption kept its place in the space,
 * and a hold on every object of its parent, for as long as the parent lived. */
#include "crew/child.h"
#include "crew/watcher.h"
#include "share/layout.h"
#include "share/object.h"
#include "share/queue.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool armed;

/* Runs in the child, before fork() returns there. */
static void die(void) {
  if (armed)
    raise(SIGKILL);
}

static int body(void *data) {
  (void)data;
  return 0;
}

static void its_place_is_free_again(void **state) {
  (void)state;
  const struct mc_queue_options options = {0, MC_RETURN};
  struct mc_space_stats stats;
  struct mc_child child;
  mc_ref queue;
  assert_int_equal(mc_space_create((uint64_t)8 << 20), 0);
  assert_int_equal(mc_queue_create(&options, &queue), 0);
  assert_int_equal(pthread_atfork(NULL, NULL, die), 0);
  armed = true;
  assert_int_equal(mc_child_fork(&child, MC_SIGNALS_DEFAULT, body, NULL), 0);
  armed = false;
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0);
  assert_int_equal(child.code, -SIGKILL);
  mc_space_stats(&stats);
  assert_int_equal(stats.members, 1);
  mc_object_drop(queue);
  mc_space_stats(&stats);
  assert_int_equal(stats.objects, 0);
  mc_member_leave();
  mc_space_destroy();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(its_place_is_free_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
