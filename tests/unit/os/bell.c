#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/bell.h"
#include "os/cores.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static int readable(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, 0);
}

static void test_ring(void **state) {
  (void)state;
  uint64_t id = mc_random64();
  int bell = mc_bell_open(id, 3), sender = -1;
  assert_true(bell >= 0);
  assert_true(fcntl(bell, F_GETFD) & FD_CLOEXEC);
  assert_int_equal(mc_bell_open(id, 3), -EADDRINUSE);
  mc_bell_send(&sender, id, 4); /* nobody's */
  assert_true(sender >= 0);
  assert_true(fcntl(sender, F_GETFD) & FD_CLOEXEC);
  assert_int_equal(readable(bell), 0);
  mc_bell_send(&sender, id, 3);
  assert_int_equal(readable(bell), 1);
  for (int i = 0; i < 10000; i++) /* more than fit: no blocking, no error */
    mc_bell_send(&sender, id, 3);
  mc_bell_drain(bell);
  assert_int_equal(readable(bell), 0);
  mc_bell_drain(bell);
  mc_bell_close(&bell);
  assert_int_equal(bell, -1);
  mc_bell_close(&bell);
  mc_bell_send(&sender, id, 3);
  mc_bell_close(&sender);
}

static void test_random_and_cores(void **state) {
  (void)state;
  assert_true(mc_random64() != mc_random64());
  assert_true(mc_cores() >= 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ring),
      cmocka_unit_test(test_random_and_cores),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
