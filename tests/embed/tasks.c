/* Tasks of a host: the three forms, waiting and callbacks, cancelling, time-outs. */
#include "shared_host.h"

static void test_forms(void **state) {
  (void)state;
  mooncrew_values *args = mooncrew_values_new(), *results = NULL;
  mooncrew_push_string(args, "ab");
  mooncrew_push_integer(args, 3);
  must(mooncrew_run(host, "string", "rep", args, &results, error));
  const char *text = NULL;
  size_t length = 0;
  assert_int_equal(mooncrew_values_count(results), 1);
  assert_int_equal(mooncrew_value_string(mooncrew_values_at(results, 0), &text, &length),
                   MOONCREW_OK);
  assert_string_equal(text, "ababab");
  assert_int_equal(length, 6);
  mooncrew_values_free(results);
  results = run_chunk(host, "local s, n = ... return #s + n, nil, 5", args);
  assert_int_equal(mooncrew_values_count(results), 3);
  assert_int_equal(integer_at(results, 0), 5);
  assert_int_equal(mooncrew_value_type(mooncrew_values_at(results, 1)), MOONCREW_NIL);
  mooncrew_values_free(results);

  char path[512];
  snprintf(path, sizeof path, "%s/embed-task.lua", getenv("TMPDIR"));
  FILE *file = fopen(path, "w");
  fputs("#!/usr/bin/env mooncrew\nlocal s, n = ... return n, s", file);
  fclose(file);
  must(mooncrew_run_file(host, path, args, &results, error));
  unlink(path);
  assert_int_equal(integer_at(results, 0), 3);
  mooncrew_values_free(results);
  must_fail(MOONCREW_ERUN, "cannot open",
            mooncrew_run_file(host, path, args, NULL, error));
  mooncrew_values_free(args);
}

static void test_globals_stay(void **state) {
  (void)state;
  mooncrew *single = open_host(1, 0);
  mooncrew_values_free(run_chunk(single, "count = (count or 0) + 1", NULL));
  mooncrew_values *results = run_chunk(single, "return count", NULL);
  assert_int_equal(integer_at(results, 0), 1);
  mooncrew_values_free(results);
  assert_int_equal(mooncrew_close(single, 0), MOONCREW_OK);
}

/* More chunks than a worker keeps compiled, each twice and under two names. */
static void test_many_chunks(void **state) {
  (void)state;
  mooncrew *single = open_host(1, 0);
  for (int i = 0; i < 400; i++) {
    char source[64], wanted[64];
    const char *name = i % 2 ? "=one" : "=two";
    snprintf(source, sizeof source, "error('number %d')", i / 4);
    snprintf(wanted, sizeof wanted, "%s:1: number %d", name + 1, i / 4);
    mooncrew_error *failure = NULL;
    assert_int_equal(
        mooncrew_run_source(single, source, strlen(source), name, NULL, NULL, &failure),
        MOONCREW_ERUN);
    assert_string_equal(mooncrew_error_message(failure), wanted);
    mooncrew_error_free(failure);
  }
  assert_int_equal(mooncrew_close(single, 0), MOONCREW_OK);
}

static void test_lua_errors(void **state) {
  (void)state;
  const char *source = "local function f() error('oh no') end f()";
  mooncrew_error *failure = NULL;
  assert_int_equal(
      mooncrew_run_source(host, source, strlen(source), "=chunk", NULL, NULL, &failure),
      MOONCREW_ERUN);
  assert_string_equal(mooncrew_error_message(failure), "chunk:1: oh no");
  assert_non_null(strstr(mooncrew_error_traceback(failure), "in local 'f'"));
  assert_string_equal(mooncrew_error_kind(failure), "Error");
  assert_true(mooncrew_error_task(failure) != 0);
  assert_int_equal(mooncrew_error_signal(failure), 0);
  assert_int_equal(mooncrew_error_exit_code(failure), -1);
  mooncrew_error_free(failure);
  must_fail(MOONCREW_ERUN, "near",
            mooncrew_run_source(host, "x = = 1", 7, NULL, NULL, NULL, error));
  must_fail(MOONCREW_ERUN, "no function 'nowhere'",
            mooncrew_run(host, "string", "nowhere", NULL, NULL, error));
  must_fail(MOONCREW_ERUN, "module 'no.such.module' not found",
            mooncrew_run(host, "no.such.module", "f", NULL, NULL, error));
  must_fail(MOONCREW_ERUN, "custom",
            mooncrew_run_source(host, "error('custom', 0)", 18, NULL, NULL, NULL, error));
}

static void test_bytecode_is_refused(void **state) {
  (void)state;
  must_fail(MOONCREW_ERUN, "attempt to load a binary chunk",
            mooncrew_run_source(host, "\033Lua", 4, "=b", NULL, NULL, error));
}

static void test_lost_workers(void **state) {
  (void)state;
  mooncrew_error *failure = NULL;
  assert_int_equal(
      mooncrew_run_source(host, "os.exit(7)", 10, "=c", NULL, NULL, &failure),
      MOONCREW_EWORKER);
  assert_int_equal(mooncrew_error_exit_code(failure), 7);
  assert_int_equal(mooncrew_error_signal(failure), 0);
  mooncrew_error_free(failure);
  const char *source = "require 'luv'.kill(require 'mooncrew'.getpid(), 9)";
  assert_int_equal(
      mooncrew_run_source(host, source, strlen(source), "=c", NULL, NULL, &failure),
      MOONCREW_EWORKER);
  assert_int_equal(mooncrew_error_signal(failure), SIGKILL);
  assert_int_equal(mooncrew_error_exit_code(failure), -1);
  mooncrew_error_free(failure);
  mooncrew_values_free(run_chunk(host, "return 1", NULL)); /* they were replaced */
}

static void test_task_timeout(void **state) {
  (void)state;
  mooncrew_task task = 0;
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.timeout = 50;
  must(mooncrew_submit_source(host, "while true do end", 17, NULL, NULL, &options, &task,
                              error));
  must_fail(MOONCREW_ELIMIT, "longer than its time-out",
            mooncrew_wait(host, task, MOONCREW_FOREVER, NULL, error));
}

static void test_wait(void **state) {
  (void)state;
  mooncrew_task task = submit_chunk(host, "while true do end", NULL, NULL);
  must_fail(MOONCREW_ETIMEDOUT, "timed out", mooncrew_wait(host, task, 0, NULL, error));
  must_fail(MOONCREW_ETIMEDOUT, "timed out", mooncrew_wait(host, task, 20, NULL, error));
  assert_int_equal(stats_of(host).in_flight, 1);
  assert_int_equal(mooncrew_cancel(host, task, true), MOONCREW_OK);
  must_fail(MOONCREW_ECANCELLED, "cancelled", mooncrew_wait(host, task, 0, NULL, error));
  must_fail(MOONCREW_EINVAL, "outcome was not taken",
            mooncrew_wait(host, task, 0, NULL, error));
  must_fail(MOONCREW_EINVAL, "task:", mooncrew_wait(host, 12345, 0, NULL, error));
}

struct record {
  unsigned calls;
  mooncrew_task task;
  int code;
  int64_t integer;
};

static void keep(void *data, mooncrew_task task, const mooncrew_values *results,
                 const mooncrew_error *failure) {
  struct record *record = data;
  record->calls++;
  record->task = task;
  record->code = mooncrew_error_code(failure);
  if (!failure)
    record->integer = integer_at(results, 0);
}

static void test_callbacks(void **state) {
  (void)state;
  struct record record = {0};
  struct pollfd poll_for = {.fd = mooncrew_poll_fd(host), .events = POLLIN};
  assert_int_equal(mooncrew_dispatch(host, 0), 0);
  assert_int_equal(poll(&poll_for, 1, 0), 0);
  mooncrew_task task = submit_chunk(host, "return 42", keep, &record);
  while (!record.calls)
    assert_true(dispatch_next(host) >= 0);
  assert_true(record.task == task && record.code == MOONCREW_OK && record.integer == 42);
  must_fail(MOONCREW_EINVAL, "without a callback",
            mooncrew_wait(host, task, 0, NULL, error));
  submit_chunk(host, "error('x')", keep, &record);
  while (record.calls < 2)
    assert_true(dispatch_next(host) >= 0);
  assert_int_equal(record.code, MOONCREW_ERUN);
  assert_int_equal(poll(&poll_for, 1, 0), 0); /* quiet again */
}

static void test_dispatch_some(void **state) {
  (void)state;
  struct record record = {0};
  for (int i = 0; i < 10; i++)
    submit_chunk(host, "return 1", keep, &record);
  while (record.calls < 4) {
    unsigned before = record.calls;
    int ran = mooncrew_dispatch(host, 4 - before);
    assert_true(ran >= 0 && record.calls == before + (unsigned)ran);
    if (!ran) {
      struct pollfd poll_for = {.fd = mooncrew_poll_fd(host), .events = POLLIN};
      assert_int_equal(poll(&poll_for, 1, 60000), 1);
    }
  }
  while (record.calls < 10)
    assert_true(dispatch_next(host) >= 0);
}

/* A callback submits the next task. */
static void go_on(void *data, mooncrew_task task, const mooncrew_values *results,
                  const mooncrew_error *failure) {
  struct record *record = data;
  (void)task, (void)results;
  assert_null(failure);
  if (++record->calls < 20)
    submit_chunk(host, "return 1", go_on, record);
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_EBUSY);
}

static void test_chain(void **state) {
  (void)state;
  struct record record = {0};
  submit_chunk(host, "return 1", go_on, &record);
  while (record.calls < 20)
    assert_true(dispatch_next(host) >= 0);
}

static void test_cancel(void **state) {
  (void)state;
  struct record record = {0};
  enum { N = 200 };
  mooncrew_task tasks[N], blockers[2];
  for (int i = 0; i < 2; i++)
    blockers[i] = submit_chunk(host, "while true do end", NULL, NULL);
  char marks[512], source[700];
  snprintf(marks, sizeof marks, "%s/embed-mark", getenv("TMPDIR"));
  snprintf(source, sizeof source, "io.open('%s', 'w'):close()", marks);
  for (int i = 0; i < N; i++)
    tasks[i] = submit_chunk(host, source, keep, &record);
  for (int i = N - 1; i >= 0; i--)
    assert_int_equal(mooncrew_cancel(host, tasks[i], false), MOONCREW_OK);
  assert_int_equal(mooncrew_cancel(host, tasks[0], false), MOONCREW_EINVAL);
  while (record.calls < N)
    assert_true(dispatch_next(host) >= 0);
  assert_int_equal(record.code, MOONCREW_ECANCELLED);
  for (int i = 0; i < 2; i++)
    assert_int_equal(mooncrew_cancel(host, blockers[i], true), MOONCREW_OK);
  /* whatever was in front of these has been looked at by now */
  for (int i = 0; i < 20; i++)
    mooncrew_values_free(run_chunk(host, "return 1", NULL));
  assert_int_equal(access(marks, F_OK), -1);
  assert_int_equal(stats_of(host).in_flight, 0);
}

static void test_backlog(void **state) {
  (void)state;
  enum { N = 10000, BACKLOG = 64 };
  struct record record = {0};
  mooncrew *small = open_host(2, BACKLOG);
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = keep;
  options.data = &record;
  unsigned refused = 0, submitted = 0;
  while (submitted < N) {
    mooncrew_error *failure = NULL;
    int code = mooncrew_submit_source(small, "return 1", 8, NULL, NULL, &options, NULL,
                                      &failure);
    if (code == MOONCREW_OK) {
      submitted++;
      continue;
    }
    assert_int_equal(code, MOONCREW_EAGAIN);
    assert_int_equal(mooncrew_error_code(failure), MOONCREW_EAGAIN);
    mooncrew_error_free(failure);
    assert_int_equal(stats_of(small).in_flight, BACKLOG);
    refused++;
    assert_true(dispatch_next(small) >= 0);
  }
  while (record.calls < N)
    assert_true(dispatch_next(small) >= 0);
  assert_true(refused > 0);
  mooncrew_stats stats = stats_of(small);
  assert_true(stats.submitted == N && stats.done == N);
  assert_int_equal(mooncrew_close(small, 0), MOONCREW_OK);
}

static void test_large(void **state) {
  (void)state;
  enum { SIZE = 20 << 20 };
  char *bytes = malloc(SIZE);
  for (size_t i = 0; i < SIZE; i++)
    bytes[i] = (char)(i * 31 >> 3);
  mooncrew_values *args = mooncrew_values_new();
  mooncrew_push_bytes(args, bytes, SIZE);
  mooncrew_values *results = run_chunk(host, "return ...", args);
  const char *got = NULL;
  size_t length = 0;
  assert_int_equal(mooncrew_value_string(mooncrew_values_at(results, 0), &got, &length),
                   MOONCREW_OK);
  assert_int_equal(length, SIZE);
  assert_memory_equal(got, bytes, SIZE);
  mooncrew_values_free(results);
  mooncrew_values_free(args);
  free(bytes);
}

static void test_close_cancels(void **state) {
  (void)state;
  struct record record = {0};
  unsigned before = count_descriptors();
  mooncrew *other = open_host(2, 0);
  pid_t helper = (pid_t)stats_of(other).helper;
  assert_true(is_running(helper));
  for (int i = 0; i < 50; i++)
    submit_chunk(other, "while true do end", keep, &record);
  assert_int_equal(mooncrew_close(other, 0), MOONCREW_OK);
  assert_int_equal(record.calls, 50);
  assert_int_equal(record.code, MOONCREW_ECANCELLED);
  assert_false(is_running(helper));
  assert_int_equal(count_descriptors(), before);
  assert_int_equal(mooncrew_close(other, 0), MOONCREW_EINVAL);
}

static void test_close_drains(void **state) {
  (void)state;
  struct record record = {0};
  mooncrew *other = open_host(2, 0);
  for (int i = 0; i < 50; i++)
    submit_chunk(other, "return 1", keep, &record);
  assert_int_equal(mooncrew_close(other, 60000), MOONCREW_OK);
  assert_int_equal(record.calls, 50);
  assert_int_equal(record.code, MOONCREW_OK);
}

static void test_options(void **state) {
  (void)state;
  char folder[512], path[600];
  snprintf(folder, sizeof folder, "%s/?.lua", getenv("TMPDIR"));
  snprintf(path, sizeof path, "%s/embed_module.lua", getenv("TMPDIR"));
  FILE *file = fopen(path, "w");
  fputs("PRELOADED = (PRELOADED or 0) + 1 return { f = function(x) return x + 1, "
        "PRELOADED, MOONCREW end }",
        file);
  fclose(file);
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = 1;
  options.package_path = folder;
  options.preload = "embed_module";
  options.tasks_per_worker = 1;
  options.task_timeout = 100;
  options.shared_memory = 64 << 20;
  mooncrew *other = NULL;
  must(mooncrew_open(&options, &other, error));
  unlink(path); /* it is loaded by now */
  mooncrew_values *args = mooncrew_values_new(), *results = NULL;
  mooncrew_push_integer(args, 1);
  must(mooncrew_run(other, "embed_module", "f", args, &results, error));
  assert_int_equal(integer_at(results, 0), 2);
  assert_int_equal(integer_at(results, 1), 1);
  mooncrew_values_free(results);
  mooncrew_values_free(args);
  const char *source = "return require 'mooncrew'.getpid()";
  results = run_chunk(other, source, NULL);
  int64_t pid = integer_at(results, 0);
  mooncrew_values_free(results);
  results = run_chunk(other, source, NULL);
  assert_true(integer_at(results, 0) != pid);
  mooncrew_values_free(results);
  results = run_chunk(other, "return require 'mooncrew'.shared_memory().limit", NULL);
  assert_int_equal(integer_at(results, 0), 64 << 20);
  mooncrew_values_free(results);
  must_fail(MOONCREW_ELIMIT, "time-out",
            mooncrew_run_source(other, "while true do end", 17, NULL, NULL, NULL, error));
  assert_int_equal(mooncrew_close(other, 0), MOONCREW_OK);
}

static void test_too_big(void **state) {
  (void)state;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = 1;
  options.shared_memory = 4 << 20;
  mooncrew *other = NULL;
  must(mooncrew_open(&options, &other, error));
  const char *source = "return ('x'):rep(8 << 20)";
  must_fail(MOONCREW_ENOMEM, "too big for the shared memory",
            mooncrew_run_source(other, source, strlen(source), NULL, NULL, NULL, error));
  mooncrew_values *args = mooncrew_values_new();
  char *bytes = calloc(8, 1 << 20);
  mooncrew_push_bytes(args, bytes, 8 << 20);
  free(bytes);
  must_fail(MOONCREW_ENOMEM, "too big for the shared memory",
            mooncrew_run(other, "math", "abs", args, NULL, error));
  mooncrew_values_free(args);
  mooncrew_values_free(run_chunk(other, "return ('x'):rep(1 << 20)", NULL));
  assert_int_equal(mooncrew_close(other, 0), MOONCREW_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forms),
      cmocka_unit_test(test_globals_stay),
      cmocka_unit_test(test_many_chunks),
      cmocka_unit_test(test_lua_errors),
      cmocka_unit_test(test_bytecode_is_refused),
      cmocka_unit_test(test_lost_workers),
      cmocka_unit_test(test_task_timeout),
      cmocka_unit_test(test_wait),
      cmocka_unit_test(test_callbacks),
      cmocka_unit_test(test_dispatch_some),
      cmocka_unit_test(test_chain),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_backlog),
      cmocka_unit_test(test_large),
      cmocka_unit_test(test_close_cancels),
      cmocka_unit_test(test_close_drains),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_too_big),
  };
  return cmocka_run_group_tests(tests, open_with_two_workers, close_shared);
}
