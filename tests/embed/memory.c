/* Memory that is left, after many runtimes. */
#include "support/memory.h"
#include "host.h"

static int use_allocator(void **state) {
  (void)state;
  return mooncrew_set_allocator(memory_allocate, NULL);
}

static int use_malloc(void **state) {
  (void)state;
  return mooncrew_set_allocator(NULL, NULL);
}

/* While a block is in use the allocator stays. */
static void test_allocator(void **state) {
  (void)state;
  mooncrew_values *values = mooncrew_values_new();
  assert_true(memory_in_use > 0);
  assert_int_equal(mooncrew_set_allocator(NULL, NULL), MOONCREW_EBUSY);
  mooncrew_values_free(values);
  assert_int_equal(memory_in_use, 0);
}

/* KiB of our own that are in memory. Pages of programs and libraries are none: they come
 * when they are first needed, and their neighbours with them. */
static long own_memory(void) {
  long sum = 0;
  char line[256];
  FILE *file = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, file)) {
    long kib;
    if (sscanf(line, "RssAnon: %ld", &kib) == 1 ||
        sscanf(line, "RssShmem: %ld", &kib) == 1)
      sum += kib;
  }
  fclose(file);
  assert_true(sum > 0);
  return sum;
}

static void test_open_close(void **state) {
  (void)state;
  unsigned descriptors = count_descriptors();
  long own = 0, blocks = memory_in_use;
  for (int i = 0; i < 1000; i++) {
    mooncrew *mine = open_host(1, 0);
    pid_t helper = (pid_t)stats_of(mine).helper;
    if (i % 10 == 0)
      mooncrew_values_free(run_chunk(mine, "return 1", NULL));
    assert_int_equal(mooncrew_close(mine, 0), MOONCREW_OK);
    assert_false(is_running(helper));
    assert_int_equal(memory_in_use, blocks);
    if (i == 100)
      own = own_memory();
  }
  assert_int_equal(count_descriptors(), descriptors);
  assert_true(own_memory() <= own + 16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_allocator, use_allocator, use_malloc),
      cmocka_unit_test_setup_teardown(test_open_close, use_allocator, use_malloc),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
