/* What a host may take from its scripts and ask of its workers; tasks in C. */
#include "host.h"

static mooncrew *open_with(const mooncrew_options *options) {
  mooncrew *host = NULL;
  must(mooncrew_open(options, &host, error));
  return host;
}

static mooncrew_options one_worker(void) {
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = 1;
  return options;
}

/* Runs an expression; whether it is true. */
static bool is_true(mooncrew *host, const char *expression) {
  char source[1024];
  bool yes = false;
  snprintf(source, sizeof source, "return not not (%s)", expression);
  mooncrew_values *results = run_chunk(host, source, NULL);
  mooncrew_value_boolean(mooncrew_values_at(results, 0), &yes);
  mooncrew_values_free(results);
  return yes;
}

static void test_libraries(void **state) {
  (void)state;
  mooncrew_options options = one_worker();
  mooncrew *host = open_with(&options);
  assert_true(is_true(host, "io and os and package and debug and dofile and loadfile"));
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  options.without = MOONCREW_NO_IO | MOONCREW_NO_DEBUG;
  host = open_with(&options);
  assert_true(is_true(host, "not io and not debug and not dofile and not loadfile"));
  assert_true(is_true(host, "os and package and require 'mooncrew'.Queue"));
  assert_true(is_true(host, "not pcall(require, 'io') and not package.loaded.io"));
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  options.without =
      MOONCREW_NO_IO | MOONCREW_NO_OS | MOONCREW_NO_PACKAGE | MOONCREW_NO_DEBUG;
  host = open_with(&options);
  assert_true(is_true(host, "not io and not os and not debug and not package"));
  assert_true(is_true(host, "require 'string' == string and require 'mooncrew.host'"));
  must_fail(MOONCREW_ERUN, "module 'luv' is not one that the host has loaded",
            mooncrew_run_source(host, "require 'luv'", 13, NULL, NULL, NULL, error));
  must_fail(MOONCREW_ERUN, "module 'mooncrew' is not",
            mooncrew_run_source(host, "require 'mooncrew'", 18, NULL, NULL, NULL, error));
  /* the host itself is not held to it */
  mooncrew_values *results = NULL;
  must(mooncrew_run(host, "mooncrew", "getpid", NULL, &results, error));
  mooncrew_values_free(results);
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  options.without = 16;
  must_fail(MOONCREW_EINVAL, "options.without", mooncrew_open(&options, &host, error));
}

static void test_preloaded_only(void **state) {
  (void)state;
  char folder[512], path[600];
  snprintf(folder, sizeof folder, "%s/?.lua", getenv("TMPDIR"));
  snprintf(path, sizeof path, "%s/embed_mine.lua", getenv("TMPDIR"));
  FILE *file = fopen(path, "w");
  fputs("local log = require 'mooncrew.log' return { f = function() return 5 end }",
        file);
  fclose(file);
  mooncrew_options options = one_worker();
  options.package_path = folder;
  options.preload = "embed_mine";
  options.without = MOONCREW_NO_PACKAGE;
  mooncrew *host = open_with(&options);
  unlink(path);
  assert_true(is_true(host, "require 'embed_mine'.f() == 5"));
  assert_true(is_true(host, "require 'mooncrew.log'")); /* it came along */
  assert_true(is_true(host, "not pcall(require, 'mooncrew.http')"));
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
}

static void test_limits(void **state) {
  (void)state;
  mooncrew_options options = one_worker();
  options.worker_memory = 64 << 20;
  options.worker_files = 40;
  options.worker_cpu = 1;
  mooncrew *host = open_with(&options);
  const char *source = "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end";
  must_fail(MOONCREW_ENOMEM, "not enough memory",
            mooncrew_run_source(host, source, strlen(source), NULL, NULL, NULL, error));
  assert_true(is_true(host,
                      "(function() local t = {} for i = 1, 100 do t[i] = "
                      "io.open('/dev/null') end return t[5] and not t[100] end)()"));
  mooncrew_error *failure = NULL;
  assert_int_equal(
      mooncrew_run_source(host, "while true do end", 17, NULL, NULL, NULL, &failure),
      MOONCREW_EWORKER);
  assert_int_equal(mooncrew_error_signal(failure), SIGXCPU);
  mooncrew_error_free(failure);
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  options.worker_memory = 1;
  must_fail(MOONCREW_ERUN, "options.worker_", mooncrew_open(&options, &host, error));
}

struct lines {
  int count;
  char last[200];
};

static void keep_line(void *data, const char *line, size_t length) {
  struct lines *lines = data;
  lines->count++;
  assert_int_equal(strlen(line), length);
  snprintf(lines->last, sizeof lines->last, "%s", line);
}

static void test_log(void **state) {
  (void)state;
  struct lines lines = {0};
  mooncrew_options options = one_worker();
  options.log = keep_line;
  options.log_data = &lines;
  mooncrew *host = open_with(&options);
  mooncrew_values_free(run_chunk(
      host, "local log = require 'mooncrew'.log log.debug('no') log.warn('x is %d', 7)",
      NULL));
  while (lines.count == 0)
    assert_true(dispatch_next(host) >= 0);
  assert_non_null(strstr(lines.last, "WARN"));
  assert_non_null(strstr(lines.last, "host-1["));
  assert_non_null(strstr(lines.last, "x is 7\n"));
  enum { N = 500 };
  mooncrew_values_free(run_chunk(
      host, "for i = 1, 499 do require 'mooncrew'.log.info(('long'):rep(1000), i) end",
      NULL));
  while (lines.count < N)
    assert_true(dispatch_next(host) >= 0);
  assert_int_equal(lines.count, N);
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
}

static void test_tasks_in_c(void **state) {
  (void)state;
  mooncrew_options options = one_worker();
  mooncrew *host = open_with(&options);
  mooncrew_values *args = mooncrew_values_new(), *results = NULL;
  mooncrew_push_table(args);
  mooncrew_push_integer(args, 40);
  mooncrew_push_number(args, 2.5);
  mooncrew_end_table(args);
  mooncrew_push_string(args, "total");
  for (int i = 0; i < 3; i++) {
    must(mooncrew_run_library(host, host_library(), "sum", args, &results, error));
    double total = 0;
    mooncrew_value_number(mooncrew_value_field(mooncrew_values_at(results, 0), "total"),
                          &total);
    assert_true(total == 42.5);
    assert_int_equal(integer_at(results, 1), 2);
    mooncrew_values_free(results);
  }
  must_fail(MOONCREW_ERUN, "something expected",
            mooncrew_run_library(host, host_library(), "refuse", NULL, NULL, error));
  must_fail(MOONCREW_ERUN, "failed with -15",
            mooncrew_run_library(host, host_library(), "refuse", args, NULL, error));
  must_fail(MOONCREW_ERUN, "has no function 'missing'",
            mooncrew_run_library(host, host_library(), "missing", NULL, NULL, error));
  must_fail(MOONCREW_ERUN, "cannot open shared object file",
            mooncrew_run_library(host, "/nowhere.so", "sum", NULL, NULL, error));
  must_fail(MOONCREW_ERUN, "is not linked with libmooncrew",
            mooncrew_run_library(host, "libm.so.6", "cos", NULL, NULL, error));
  mooncrew_error *failure = NULL;
  assert_int_equal(
      mooncrew_run_library(host, host_library(), "crash", NULL, NULL, &failure),
      MOONCREW_EWORKER);
  assert_int_equal(mooncrew_error_signal(failure), SIGABRT);
  mooncrew_error_free(failure);
  must_fail(MOONCREW_EINVAL, "mooncrew_submit_library: symbol",
            mooncrew_submit_library(host, "x", NULL, NULL, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "mooncrew_run_library: path",
            mooncrew_run_library(host, NULL, "x", NULL, NULL, error));
  mooncrew_values_free(args);
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_libraries),  cmocka_unit_test(test_preloaded_only),
      cmocka_unit_test(test_limits),     cmocka_unit_test(test_log),
      cmocka_unit_test(test_tasks_in_c),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
