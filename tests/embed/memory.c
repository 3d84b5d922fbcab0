/* Memory that fails, and memory that is left. */
#include "host.h"

/* An allocator that counts what is in use, and whose call number `fails_at` fails. */
static long n_calls, fails_at, in_use;

static void *allocate(void *data, void *block, size_t size) {
  (void)data;
  if (size == 0) {
    in_use -= block != NULL;
    free(block);
    return NULL;
  }
  if (++n_calls == fails_at)
    return NULL;
  void *got = realloc(block, size);
  in_use += got && !block;
  return got;
}

static void fail_at(long call) {
  n_calls = 0;
  fails_at = call;
}

static int use_allocator(void **state) {
  (void)state;
  fails_at = 0;
  return mooncrew_set_allocator(allocate, NULL);
}

static int use_malloc(void **state) {
  (void)state;
  return mooncrew_set_allocator(NULL, NULL);
}

static bool is_memory(int code) {
  return code == MOONCREW_ENOMEM;
}

static void check_error(int code, mooncrew_error *failure) {
  if (code)
    assert_true(is_memory(code));
  assert_int_equal(mooncrew_error_code(failure), code);
  mooncrew_error_free(failure);
}

/* Runs attempt(n) with its n-th allocation failing, for all n until it goes well. */
static void for_all_failures(const char *name, int (*attempt)(void)) {
  for (long n = 1;; n++) {
    long before = in_use;
    fail_at(n);
    int code = attempt();
    fail_at(0);
    if (in_use != before)
      fail_msg("%s: allocation %ld failed and left %ld blocks", name, n, in_use - before);
    if (code == MOONCREW_OK) {
      assert_true(n > 1);
      print_message("  %s: %ld allocations\n", name, n - 1);
      return;
    }
    if (!is_memory(code))
      fail_msg("%s: allocation %ld failed: %s", name, n, mooncrew_strerror(code));
  }
}

static mooncrew *host;

static int try_open(void) {
  mooncrew *mine = NULL;
  mooncrew_error *failure = NULL;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = 1;
  int code = mooncrew_open(&options, &mine, &failure);
  check_error(code, failure);
  if (code)
    assert_null(mine);
  int closed = mooncrew_close(mine, 0);
  assert_int_equal(closed, MOONCREW_OK);
  return code;
}

/* A failure that is kept shows in the last of them. */
static int try_values(void) {
  mooncrew_values *values = mooncrew_values_new();
  char text[300];
  memset(text, 'x', sizeof text);
  mooncrew_push_table(values);
  for (int i = 0; i < 10; i++) {
    mooncrew_push_integer(values, i);
    mooncrew_key_integer(values, i * 1000);
    mooncrew_push_bytes(values, text, sizeof text);
    mooncrew_key(values, "key");
    mooncrew_push_number(values, 0.5);
  }
  mooncrew_end_table(values);
  mooncrew_values *copied = mooncrew_values_new();
  int code = mooncrew_push_value(copied, mooncrew_values_at(values, 0));
  if (!values || !copied || mooncrew_push_nil(values))
    code = MOONCREW_ENOMEM;
  mooncrew_values_free(values);
  mooncrew_values_free(copied);
  return code;
}

static int try_run(void) {
  mooncrew_error *failure = NULL;
  mooncrew_values *args = mooncrew_values_new(), *results = NULL;
  const char *source = "local t = ... return t, { t, t }, ('x'):rep(70000)";
  mooncrew_push_table(args);
  mooncrew_push_string(args, "text");
  mooncrew_end_table(args);
  int code = MOONCREW_ENOMEM;
  if (args) {
    code =
        mooncrew_run_source(host, source, strlen(source), NULL, args, &results, &failure);
    check_error(code, failure);
    assert_true(!results == (code != MOONCREW_OK));
  }
  mooncrew_values_free(args);
  mooncrew_values_free(results);
  /* whatever was under way is dealt with, or it would be taken for a leak */
  fail_at(0);
  mooncrew_stats stats;
  do
    stats = stats_of(host);
  while (stats.in_flight && dispatch_next(host) >= 0);
  mooncrew_values_free(run_chunk(host, "return 1", NULL));
  return code;
}

static int try_failing_task(void) {
  mooncrew_error *failure = NULL;
  int code = mooncrew_run_source(host, "error('no')", 11, NULL, NULL, NULL, &failure);
  if (code == MOONCREW_ERUN && mooncrew_error_code(failure) == MOONCREW_ERUN)
    code = MOONCREW_OK;
  mooncrew_error_free(failure);
  fail_at(0);
  mooncrew_values_free(run_chunk(host, "return 1", NULL));
  return code;
}

static int called;

static void count_call(void *data, mooncrew_task task, const mooncrew_values *results,
                       const mooncrew_error *failure) {
  (void)data, (void)task, (void)results, (void)failure;
  called++;
}

static int try_submit_and_cancel(void) {
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = count_call;
  mooncrew_task task = 0;
  called = 0;
  int code = mooncrew_submit(host, "os", "time", NULL, &options, &task, NULL);
  if (code)
    return code;
  code = mooncrew_cancel(host, task, false);
  while (!called) {
    int ran = dispatch_next(host);
    assert_true(ran >= 0 || is_memory(ran));
  }
  assert_int_equal(called, 1);
  return code == MOONCREW_EINVAL ? MOONCREW_OK : code; /* it was done already */
}

/* Sends something, so that objects that were let go of are told to the helper. */
static void settle(void) {
  fail_at(0);
  mooncrew_values_free(run_chunk(host, "return 1", NULL));
}

static int try_object(void) {
  mooncrew_object *queue = NULL;
  mooncrew_values *items = mooncrew_values_new(), *got = NULL;
  mooncrew_push_integer(items, 1);
  int code = items ? mooncrew_queue_new(host, 0, &queue, NULL) : MOONCREW_ENOMEM;
  if (!code)
    code = mooncrew_queue_put(queue, items, 0, NULL, NULL);
  if (!code)
    code = mooncrew_queue_get(queue, 1, 0, &got, NULL);
  mooncrew_values *args = mooncrew_values_new();
  if (!code)
    code = args ? mooncrew_push_object(args, queue) : MOONCREW_ENOMEM;
  if (!code)
    code = mooncrew_run(host, "mooncrew", "wait", args, NULL, NULL);
  if (code == MOONCREW_ERUN)
    code = MOONCREW_OK; /* it wants a list */
  mooncrew_values_free(args);
  mooncrew_values_free(items);
  mooncrew_values_free(got);
  mooncrew_object_free(queue);
  settle();
  return code;
}

static int answer(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)data;
  return mooncrew_push_value(results, mooncrew_values_at(args, 0));
}

/* Here the script, not the host, may be told that there is no memory. */
static int try_function(void) {
  const char *source = "local ok, a = pcall(require 'mooncrew.host'.answer, 'a') "
                       "return ok and a == 'a'";
  mooncrew_values *results = NULL;
  bool ok = false;
  int code = mooncrew_register(host, "answer", answer, NULL);
  if (!code)
    code = mooncrew_run_source(host, source, strlen(source), NULL, NULL, &results, NULL);
  mooncrew_value_boolean(mooncrew_values_at(results, 0), &ok);
  mooncrew_values_free(results);
  fail_at(0);
  mooncrew_register(host, "answer", NULL, NULL);
  settle();
  return !code && !ok ? MOONCREW_ENOMEM : code;
}

static void test_failures(void **state) {
  (void)state;
  for_all_failures("values", try_values);
  for_all_failures("open and close", try_open);
  host = open_host(1, 0);
  mooncrew_values_free(run_chunk(host, "return ('x'):rep(100000)", NULL));
  for_all_failures("run", try_run);
  for_all_failures("a task that fails", try_failing_task);
  for_all_failures("submit and cancel", try_submit_and_cancel);
  for_all_failures("objects", try_object);
  for_all_failures("functions of the host", try_function);
  assert_int_equal(mooncrew_set_allocator(NULL, NULL), MOONCREW_EBUSY);
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  assert_int_equal(in_use, 0);
}

static long resident_pages(void) {
  long size = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
  fclose(file);
  return resident;
}

static void test_open_close(void **state) {
  (void)state;
  unsigned descriptors = count_descriptors();
  long pages = 0, blocks = in_use;
  for (int i = 0; i < 1000; i++) {
    mooncrew *mine = open_host(1, 0);
    pid_t helper = (pid_t)stats_of(mine).helper;
    if (i % 10 == 0)
      mooncrew_values_free(run_chunk(mine, "return 1", NULL));
    assert_int_equal(mooncrew_close(mine, 0), MOONCREW_OK);
    assert_false(is_running(helper));
    assert_int_equal(in_use, blocks);
    if (i == 100)
      pages = resident_pages();
  }
  assert_int_equal(count_descriptors(), descriptors);
  assert_true(resident_pages() <= pages + 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_failures, use_allocator, use_malloc),
      cmocka_unit_test_setup_teardown(test_open_close, use_allocator, use_malloc),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
