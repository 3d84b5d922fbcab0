/* Queues between threads: what is put is taken once, and nothing races. */
#include "threads/support/crew.h"

#include "base/error.h"
#include "share/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define EACH 4000u /* messages of a producer */

struct traffic {
  mc_ref queue;
  uint32_t next; /* which producer */
  uint32_t seen[CREW * EACH];
  uint32_t closed; /* who saw the end */
};

static void produce(void *data) {
  struct traffic *traffic = data;
  uint32_t first = __atomic_fetch_add(&traffic->next, EACH, __ATOMIC_RELAXED);
  for (uint32_t i = 0; i < EACH; i++)
    crew_put(traffic->queue, first + i, 0);
}

static void produce_batches(void *data) {
  struct traffic *traffic = data;
  uint32_t first = __atomic_fetch_add(&traffic->next, EACH, __ATOMIC_RELAXED);
  uint32_t numbers[8];
  struct mc_message messages[8];
  for (uint32_t i = 0; i < EACH; i += 8) {
    for (uint32_t k = 0; k < 8; k++) {
      numbers[k] = first + i + k;
      messages[k] =
          (struct mc_message){.bytes = &numbers[k], .length = sizeof(numbers[k])};
    }
    mc_queue_put(traffic->queue, messages, 8, MC_FOREVER);
  }
}

static void see(struct traffic *traffic, const struct mc_lease *lease) {
  uint32_t number;
  memcpy(&number, lease->bytes, sizeof(number));
  __atomic_fetch_add(&traffic->seen[number], 1, __ATOMIC_RELAXED);
}

static void consume(void *data) {
  struct traffic *traffic = data;
  struct mc_lease leases[5];
  int n;
  while ((n = mc_queue_take(traffic->queue, leases, 5, MC_FOREVER)) > 0) {
    for (int i = 0; i < n; i++) {
      see(traffic, &leases[i]);
      mc_lease_settle(&leases[i]);
    }
  }
  if (n == MC_CLOSED)
    __atomic_fetch_add(&traffic->closed, 1, __ATOMIC_RELAXED);
}

/* Returns every seventh message once. */
static void consume_and_return(void *data) {
  struct traffic *traffic = data;
  struct mc_lease lease;
  for (uint32_t i = 0; mc_queue_take(traffic->queue, &lease, 1, MC_FOREVER) == 1; i++) {
    if (i % 7 == 0) {
      mc_lease_return(&lease);
      continue;
    }
    see(traffic, &lease);
    mc_lease_settle(&lease);
  }
  __atomic_fetch_add(&traffic->closed, 1, __ATOMIC_RELAXED);
}

static void run(uint64_t maxsize, void (*producer)(void *), void (*consumer)(void *)) {
  static struct traffic traffic;
  memset(&traffic, 0, sizeof(traffic));
  traffic.queue = crew_queue(maxsize);
  for (unsigned i = 0; i < 2; i++)
    crew_start(consumer, &traffic);
  for (unsigned i = 0; i < 2; i++)
    crew_start(producer, &traffic);
  /* Consumers go on until the queue is closed, which is when producers are done. */
  while (__atomic_load_n(&traffic.next, __ATOMIC_RELAXED) < 2 * EACH)
    mc_members_reap();
  uint64_t seen = 0;
  while (seen < 2 * EACH) {
    seen = 0;
    for (uint32_t i = 0; i < 2 * EACH; i++)
      seen += __atomic_load_n(&traffic.seen[i], __ATOMIC_RELAXED);
  }
  mc_queue_close(traffic.queue);
  crew_join();
  for (uint32_t i = 0; i < 2 * EACH; i++)
    assert_int_equal(traffic.seen[i], 1);
  assert_int_equal(traffic.closed, 2);
  mc_object_drop(traffic.queue);
}

static void unbounded(void **state) {
  (void)state;
  run(0, produce, consume);
}

static void bounded(void **state) {
  (void)state;
  run(3, produce, consume);
}

static void batches(void **state) {
  (void)state;
  run(20, produce_batches, consume);
}

static void returned(void **state) {
  (void)state;
  run(50, produce, consume_and_return);
}

static void take_until_closed(void *data) {
  struct traffic *traffic = data;
  struct mc_lease lease;
  if (mc_queue_take(traffic->queue, &lease, 1, MC_FOREVER) == MC_CLOSED)
    __atomic_fetch_add(&traffic->closed, 1, __ATOMIC_RELAXED);
}

static void close_it(void *data) {
  mc_queue_close(((struct traffic *)data)->queue);
}

static void close_wakes_all(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    struct traffic traffic = {.queue = crew_queue(0)};
    for (unsigned k = 0; k < 3; k++)
      crew_start(take_until_closed, &traffic);
    crew_start(close_it, &traffic);
    crew_join();
    assert_int_equal(traffic.closed, 3);
    mc_object_drop(traffic.queue);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(unbounded, crew_setup, crew_teardown),
      cmocka_unit_test_setup_teardown(bounded, crew_setup, crew_teardown),
      cmocka_unit_test_setup_teardown(batches, crew_setup, crew_teardown),
      cmocka_unit_test_setup_teardown(returned, crew_setup, crew_teardown),
      cmocka_unit_test_setup_teardown(close_wakes_all, crew_setup, crew_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
