/* One host for all the tests of a program: fixtures of the group. Not in host.h, since
 * the other programs have a `host` in each test. */
#ifndef MC_TESTS_EMBED_SHARED_HOST_H
#define MC_TESTS_EMBED_SHARED_HOST_H

#include "host.h"

static mooncrew *host;

static inline int open_with_one_worker(void **state) {
  (void)state;
  host = open_host(1, 0);
  return 0;
}

static inline int open_with_two_workers(void **state) {
  (void)state;
  host = open_host(2, 0);
  return 0;
}

static inline int close_shared(void **state) {
  (void)state;
  stats_of(host);
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  return 0;
}

#endif
