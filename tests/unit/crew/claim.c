/* A claim on a file belongs to all who share the open file, and ends with the last of
 * them. */
#include "crew/claim.h"
#include "base/error.h"
#include "crew/child.h"
#include "crew/watcher.h"
#include "share/object.h"
#include "share/queue.h"
#include "share/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[4096];

static int open_file(void) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  return fd;
}

static int leave(void *data) {
  (void)data;
  return 0;
}

static int hold(void *data) {
  struct mc_message message = {.bytes = "x", .length = 1};
  mc_queue_put(*(mc_ref *)data, &message, 1, MC_FOREVER);
  while (mc_wait(NULL, 0, MC_FOREVER) != MC_TIMEOUT)
    ;
  return 0;
}

/* A child that has the open file too, ready once this returns. */
static void start_holder(struct mc_child *child) {
  mc_ref ready;
  struct mc_queue_options options = {0, MC_RETURN};
  struct mc_lease lease;
  assert_int_equal(mc_queue_create(&options, &ready), 0);
  assert_int_equal(mc_child_start(child, MC_SIGNALS_DEFAULT, hold, &ready), 0);
  assert_int_equal(mc_queue_take(ready, &lease, 1, MC_FOREVER), 1);
  mc_lease_settle(&lease);
  mc_object_drop(ready);
}

static void kill_holder(struct mc_child *child) {
  assert_int_equal(mc_child_signal(child, SIGKILL), 0);
  assert_int_equal(mc_child_join(child, MC_FOREVER), 0);
}

static void is_had_by_one_open_file(void **state) {
  (void)state;
  int first = open_file(), second = open_file();
  assert_int_equal(mc_claim(first), 0);
  assert_int_equal(mc_claim(first), 0); /* again: it has it */
  assert_int_equal(mc_claim(second), MC_BUSY);
  assert_int_equal(mc_unclaim(first), 0);
  assert_int_equal(mc_claim(second), 0);
  assert_int_equal(mc_claim(first), MC_BUSY);
  close(second);
  assert_int_equal(mc_claim(first), 0);
  close(first);
  assert_int_equal(mc_claim(first), -EBADF);
  assert_int_equal(mc_unclaim(first), -EBADF);
}

static void lasts_as_long_as_a_child_that_shares_it(void **state) {
  (void)state;
  int first = open_file(), second = open_file();
  assert_int_equal(mc_claim(first), 0);
  struct mc_child child;
  start_holder(&child);
  close(first);
  assert_int_equal(mc_claim(second), MC_BUSY);
  kill_holder(&child);
  assert_int_equal(mc_claim(second), 0);
  close(second);
}

static void is_given_up_for_all(void **state) {
  (void)state;
  int first = open_file(), second = open_file();
  assert_int_equal(mc_claim(first), 0);
  struct mc_child child;
  start_holder(&child);
  assert_int_equal(mc_unclaim(first), 0);
  close(first);
  assert_int_equal(mc_claim(second), 0);
  kill_holder(&child);
  close(second);
}

static int begin(void **state) {
  (void)state;
  const char *folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/claim-%d", folder ? folder : "/tmp", (int)getpid());
  if (mc_space_create(64u << 20))
    return -1;
  /* The first child brings the watcher with it, which would share what is open by then.
   */
  struct mc_child child;
  return mc_child_start(&child, MC_SIGNALS_DEFAULT, leave, NULL) ||
         mc_child_join(&child, MC_FOREVER);
}

static int end(void **state) {
  (void)state;
  mc_watcher_stop();
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_had_by_one_open_file),
      cmocka_unit_test(lasts_as_long_as_a_child_that_shares_it),
      cmocka_unit_test(is_given_up_for_all),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
