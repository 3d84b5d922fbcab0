/* Children through crew/child.h: starting, ending, waiting, signalling. */
#include "crew/child.h"
#include "base/error.h"
#include "share/object.h"
#include "share/queue.h"
#include "share/wait.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static int end_with(void *data) {
  return *(int *)data;
}

static int sleep_for_ever(void *data) {
  mc_ref *ready = data;
  if (ready) {
    struct mc_message message = {.bytes = "x", .length = 1};
    mc_queue_put(*ready, &message, 1, MC_FOREVER);
  }
  while (mc_wait(NULL, 0, MC_FOREVER) != MC_TIMEOUT)
    ;
  return 0;
}

static int have_child(void *data) {
  struct mc_child child;
  if (mc_child_start(&child, MC_SIGNALS_DEFAULT, end_with, data))
    return 99;
  if (mc_child_join(&child, MC_FOREVER))
    return 98;
  return child.code + 1;
}

static void ends_with_the_status_of_its_body(void **state) {
  (void)state;
  int status = 7;
  struct mc_child child;
  assert_int_equal(mc_child_start(&child, MC_SIGNALS_DEFAULT, end_with, &status), 0);
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0);
  assert_true(child.ended);
  assert_int_equal(child.code, 7);
  assert_true(mc_child_ended(&child));
  assert_int_equal(mc_child_signal(&child, SIGKILL), 0); /* nobody is meant any more */
}

static void has_children_of_its_own(void **state) {
  (void)state;
  int status = 41;
  struct mc_child child;
  assert_int_equal(mc_child_start(&child, MC_SIGNALS_DEFAULT, have_child, &status), 0);
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0);
  assert_int_equal(child.code, 42);
}

static void is_waited_for_with_a_deadline_and_killed(void **state) {
  (void)state;
  struct mc_child child;
  assert_int_equal(mc_child_start(&child, MC_SIGNALS_DEFAULT, sleep_for_ever, NULL), 0);
  assert_int_equal(mc_child_join(&child, MC_NOW), MC_TIMEOUT);
  assert_int_equal(mc_child_join(&child, mc_deadline(0.01)), MC_TIMEOUT);
  assert_false(mc_child_ended(&child));
  /* At once: most likely before it is a member, which must not go unseen. */
  assert_int_equal(mc_child_signal(&child, SIGKILL), 0);
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0);
  assert_int_equal(child.code, -SIGKILL);
}

static void may_ignore_the_terminal(void **state) {
  (void)state;
  mc_ref ready;
  struct mc_queue_options options = {0, MC_RETURN};
  struct mc_lease lease;
  struct mc_child child;
  assert_int_equal(mc_queue_create(&options, &ready), 0);
  assert_int_equal(
      mc_child_start(&child, MC_SIGNALS_IGNORE_TERMINAL, sleep_for_ever, &ready), 0);
  assert_int_equal(mc_queue_take(ready, &lease, 1, MC_FOREVER), 1);
  mc_lease_settle(&lease);
  assert_int_equal(mc_child_signal(&child, SIGINT), 0);
  assert_int_equal(mc_child_join(&child, mc_deadline(0.02)), MC_TIMEOUT);
  assert_int_equal(mc_child_signal(&child, SIGTERM), 0);
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0);
  assert_int_equal(child.code, -SIGTERM);
  mc_object_drop(ready);
}

static void goes_unfound_when_another_collected_it(void **state) {
  (void)state;
  int status = 3, code;
  struct mc_child child;
  assert_int_equal(mc_child_start(&child, MC_SIGNALS_DEFAULT, end_with, &status), 0);
  assert_true(mc_collect(child.pid, true, &code));
  assert_int_equal(code, 3);
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0); /* no hang */
  assert_true(child.ended);
}

static int fork_without_processes(void *data) {
  (void)data;
  struct rlimit none = {0, 0};
  struct mc_space_stats before, after;
  if (setgid(65534) || setuid(65534) || setrlimit(RLIMIT_NPROC, &none))
    return 2;
  mc_space_stats(&before);
  int status = 0;
  struct mc_child child;
  if (mc_child_start(&child, MC_SIGNALS_DEFAULT, end_with, &status) != -EAGAIN)
    return 1;
  mc_space_stats(&after);
  return after.members == before.members ? 0 : 3;
}

static void reports_that_no_process_is_to_be_had(void **state) {
  (void)state;
  if (getuid() != 0) {
    print_message("not root: RLIMIT_NPROC would count this user's other processes\n");
    skip();
  }
  struct mc_child child;
  assert_int_equal(
      mc_child_start(&child, MC_SIGNALS_DEFAULT, fork_without_processes, NULL), 0);
  assert_int_equal(mc_child_join(&child, MC_FOREVER), 0);
  assert_int_equal(child.code, 0);
}

static int make_space(void **state) {
  (void)state;
  return mc_space_create(64u << 20);
}

static int stop_watcher(void **state) {
  (void)state;
  mc_watcher_stop();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ends_with_the_status_of_its_body),
      cmocka_unit_test(has_children_of_its_own),
      cmocka_unit_test(is_waited_for_with_a_deadline_and_killed),
      cmocka_unit_test(may_ignore_the_terminal),
      cmocka_unit_test(goes_unfound_when_another_collected_it),
      cmocka_unit_test(reports_that_no_process_is_to_be_had),
  };
  return cmocka_run_group_tests(tests, make_space, stop_watcher);
}
