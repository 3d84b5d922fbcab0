/* Wrong arguments, wrong handles, wrong helpers, wrong processes. */
#include "shared_host.h"

#include <fcntl.h>
#include <sys/stat.h>

static void test_null(void **state) {
  (void)state;
  must_fail(MOONCREW_EINVAL, "mooncrew_open: runtime", mooncrew_open(NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "mooncrew_submit: runtime",
            mooncrew_submit(NULL, "a", "b", NULL, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "mooncrew_submit: module: a string expected, got NULL",
            mooncrew_submit(host, NULL, "b", NULL, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "mooncrew_submit: function",
            mooncrew_submit(host, "a", NULL, NULL, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "mooncrew_submit_source: source",
            mooncrew_submit_source(host, NULL, 0, NULL, NULL, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "mooncrew_submit_file: path",
            mooncrew_submit_file(host, NULL, NULL, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "mooncrew_run: module",
            mooncrew_run(host, NULL, NULL, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "mooncrew_wait: runtime",
            mooncrew_wait(NULL, 1, 0, NULL, error));
  assert_int_equal(mooncrew_cancel(NULL, 1, false), MOONCREW_EINVAL);
  assert_int_equal(mooncrew_poll_fd(NULL), MOONCREW_EINVAL);
  assert_int_equal(mooncrew_dispatch(NULL, 0), MOONCREW_EINVAL);
  assert_int_equal(mooncrew_get_stats(NULL, NULL), MOONCREW_EINVAL);
  assert_int_equal(mooncrew_get_stats(host, NULL), MOONCREW_EINVAL);
  assert_int_equal(mooncrew_close(NULL, 0), MOONCREW_OK);
  mooncrew_values_free(NULL);
  mooncrew_error_free(NULL);
  /* without a place for the error the code is all */
  assert_int_equal(mooncrew_run(host, NULL, NULL, NULL, NULL, NULL), MOONCREW_EINVAL);
}

static void test_wrong_handles(void **state) {
  (void)state;
  mooncrew_values *values = mooncrew_values_new();
  must_fail(MOONCREW_EINVAL, "an open one expected",
            mooncrew_wait((mooncrew *)(void *)values, 1, 0, NULL, error));
  char noise[64];
  memset(noise, 0x5a, sizeof noise);
  assert_int_equal(mooncrew_close((mooncrew *)(void *)noise, 0), MOONCREW_EINVAL);
  mooncrew_object *object = (mooncrew_object *)(void *)values;
  must_fail(MOONCREW_EINVAL, "mooncrew_dict_clear: object: one expected, got something",
            mooncrew_dict_clear(object, error));
  mooncrew_object_free(object); /* nothing */
  assert_int_equal(mooncrew_push_object(values, object), MOONCREW_EINVAL);
  mooncrew_values_free(values);
  must(mooncrew_dict_new(host, &object, error));
  values = (mooncrew_values *)(void *)object;
  must_fail(MOONCREW_EINVAL, "args",
            mooncrew_run(host, "os", "time", values, NULL, error));
  must_fail(MOONCREW_EINVAL, "items", mooncrew_queue_put(object, values, 0, NULL, error));
  assert_int_equal(mooncrew_push_nil(values), MOONCREW_EINVAL);
  assert_int_equal(mooncrew_values_count(values), 0);
  mooncrew_values_free(values); /* nothing */
  mooncrew_object_free(object);
  mooncrew *closed = open_host(1, 0);
  assert_int_equal(mooncrew_close(closed, 0), MOONCREW_OK);
  assert_int_equal(mooncrew_dispatch(closed, 0), MOONCREW_EINVAL);
}

static void test_values(void **state) {
  (void)state;
  mooncrew_values *values = mooncrew_values_new();
  assert_int_equal(mooncrew_end_table(values), MOONCREW_EINVAL);
  assert_int_equal(mooncrew_push_nil(values), MOONCREW_EINVAL); /* it is kept */
  must_fail(MOONCREW_EINVAL, "args: finished values expected",
            mooncrew_run(host, "math", "abs", values, NULL, error));
  mooncrew_values_free(values);
  values = mooncrew_values_new();
  mooncrew_push_table(values);
  must_fail(MOONCREW_EINVAL, "args: finished values expected",
            mooncrew_run(host, "math", "abs", values, NULL, error));
  mooncrew_key(values, "a");
  assert_int_equal(mooncrew_end_table(values),
                   MOONCREW_EINVAL); /* a key without a value */
  mooncrew_values_free(values);
  values = mooncrew_values_new();
  assert_int_equal(mooncrew_key(values, "outside"), MOONCREW_EINVAL);
  mooncrew_values_free(values);
  values = mooncrew_values_new();
  for (int i = 0; i < 199; i++)
    assert_int_equal(mooncrew_push_table(values), MOONCREW_OK);
  assert_int_equal(mooncrew_push_table(values), MOONCREW_EINVAL); /* too deep */
  mooncrew_values_free(values);
  assert_int_equal(mooncrew_push_integer(NULL, 1), MOONCREW_EINVAL);
  values = mooncrew_values_new();
  assert_int_equal(mooncrew_push_string(values, NULL), MOONCREW_EINVAL);
  mooncrew_values_free(values);
}

static void test_readers(void **state) {
  (void)state;
  bool boolean = true;
  int64_t integer = 7;
  double number = 7;
  const char *text = "as it was";
  const mooncrew_value *key, *value;
  assert_int_equal(mooncrew_values_count(NULL), 0);
  assert_null(mooncrew_values_at(NULL, 0));
  assert_int_equal(mooncrew_value_type(NULL), MOONCREW_NONE);
  assert_int_equal(mooncrew_value_boolean(NULL, &boolean), MOONCREW_EVALUE);
  assert_int_equal(mooncrew_value_integer(NULL, &integer), MOONCREW_EVALUE);
  assert_int_equal(mooncrew_value_number(NULL, &number), MOONCREW_EVALUE);
  assert_int_equal(mooncrew_value_string(NULL, &text, NULL), MOONCREW_EVALUE);
  assert_int_equal(mooncrew_value_entry(NULL, 0, &key, &value), MOONCREW_EVALUE);
  assert_null(mooncrew_value_item(NULL, 1));
  assert_null(mooncrew_value_field(NULL, "a"));
  assert_int_equal(mooncrew_value_length(NULL) + mooncrew_value_count(NULL), 0);
  mooncrew_values *results = run_chunk(host, "return 1.5, 2^63, 2^53, 'x', {}", NULL);
  assert_int_equal(mooncrew_value_integer(mooncrew_values_at(results, 0), &integer),
                   MOONCREW_EVALUE);
  assert_int_equal(mooncrew_value_integer(mooncrew_values_at(results, 1), &integer),
                   MOONCREW_EVALUE);
  assert_int_equal(integer, 7);
  assert_int_equal(integer_at(results, 2), 1LL << 53);
  assert_int_equal(mooncrew_value_number(mooncrew_values_at(results, 3), &number),
                   MOONCREW_EVALUE);
  assert_null(mooncrew_value_item(mooncrew_values_at(results, 4), 1));
  assert_null(mooncrew_values_at(results, 5));
  mooncrew_values_free(results);
  assert_true(boolean && !strcmp(text, "as it was"));
}

static void test_unsendable_results(void **state) {
  (void)state;
  static const char *const sources[] = {
      "return function() end", "return { a = { print } }", "return _G",
      "return setmetatable({}, { __index = function() end })", "return string"};
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
    must_fail(MOONCREW_EVALUE, "which a host can't have",
              mooncrew_run_source(host, sources[i], strlen(sources[i]), NULL, NULL, NULL,
                                  error));
  must_fail(MOONCREW_ERUN, "cannot send a FILE*",
            mooncrew_run_source(host, "return io.stdout", 16, NULL, NULL, NULL, error));
}

static void test_option_sizes(void **state) {
  (void)state;
  struct {
    mooncrew_options known;
    int unknown[8];
  } newer;
  mooncrew *other = NULL;
  memset(&newer, 0, sizeof newer);
  newer.known.size = sizeof newer;
  newer.known.workers = 1;
  must(
      mooncrew_open(&newer.known, &other, error)); /* what it does not know is not used */
  assert_int_equal(mooncrew_close(other, 0), MOONCREW_OK);
  newer.unknown[3] = 1;
  must_fail(MOONCREW_EVERSION, "known fields",
            mooncrew_open(&newer.known, &other, error));
  assert_null(other);
  mooncrew_options options;
  memset(&options, 0, sizeof options);
  must_fail(MOONCREW_EVERSION, "mooncrew_options_init",
            mooncrew_open(&options, &other, error));
  options.size = offsetof(mooncrew_options, backlog); /* of an older version */
  options.workers = 1;
  options.backlog = UINT32_MAX; /* it has no such field: not looked at */
  must(mooncrew_open(&options, &other, error));
  mooncrew_stats stats = {.size = sizeof stats.size};
  assert_int_equal(mooncrew_get_stats(other, &stats), MOONCREW_OK);
  assert_int_equal(stats.helper, 0);
  assert_int_equal(mooncrew_close(other, 0), MOONCREW_OK);
  mooncrew_task_options task_options = {0};
  must_fail(MOONCREW_EVERSION, "mooncrew_task_options_init",
            mooncrew_submit(host, "a", "b", NULL, &task_options, NULL, error));
  mooncrew_task_options_init(&task_options);
  task_options.timeout = -1;
  must_fail(MOONCREW_EINVAL, "options.timeout: a number of milliseconds expected, got -1",
            mooncrew_submit(host, "a", "b", NULL, &task_options, NULL, error));
}

static void test_option_values(void **state) {
  (void)state;
  mooncrew *other = NULL;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = 1025;
  must_fail(MOONCREW_EINVAL, "options.workers: at most 1024 expected, got 1025",
            mooncrew_open(&options, &other, error));
  mooncrew_options_init(&options);
  options.backlog = UINT32_MAX;
  must_fail(MOONCREW_EINVAL, "options.backlog", mooncrew_open(&options, &other, error));
  mooncrew_options_init(&options);
  options.task_timeout = -5;
  must_fail(MOONCREW_EINVAL, "options.task_timeout",
            mooncrew_open(&options, &other, error));
  mooncrew_options_init(&options);
  options.shared_memory = 1;
  must_fail(MOONCREW_ERUN, "options.shared_memory: 1048576 or more expected, got 1",
            mooncrew_open(&options, &other, error));
  mooncrew_options_init(&options);
  options.preload = "no.such.module";
  must_fail(MOONCREW_ERUN, "module 'no.such.module' not found",
            mooncrew_open(&options, &other, error));
  assert_null(other);
}

/* Writes an executable script; its path is static. */
static const char *script(const char *text) {
  static char path[512];
  snprintf(path, sizeof path, "%s/embed-helper", getenv("TMPDIR"));
  FILE *file = fopen(path, "w");
  fprintf(file, "#!/bin/sh\n%s\n", text);
  fclose(file);
  chmod(path, 0755);
  return path;
}

static void test_helpers(void **state) {
  (void)state;
  unsigned before = count_descriptors();
  mooncrew *other = NULL;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.helper = "/nowhere/mooncrew";
  must_fail(MOONCREW_ESYSTEM, "cannot start the helper /nowhere/mooncrew: No such file",
            mooncrew_open(&options, &other, error));
  options.helper = "/etc/passwd";
  must_fail(MOONCREW_ESYSTEM, "Permission denied",
            mooncrew_open(&options, &other, error));
  options.helper = "/bin/true";
  must_fail(MOONCREW_EHELPER, "/bin/true ended without an answer",
            mooncrew_open(&options, &other, error));
  options.helper = script("echo some other words, long enough for a head of a frame >&3; "
                          "exec sleep 1000");
  must_fail(MOONCREW_EVERSION, "is of version another",
            mooncrew_open(&options, &other, error));
  options.helper = script("exec sleep 1000");
  options.open_timeout = 50;
  must_fail(MOONCREW_ETIMEDOUT, "did not answer in 50 ms",
            mooncrew_open(&options, &other, error));
  unlink(options.helper);
  assert_null(other);
  assert_int_equal(count_descriptors(), before);
}

/* The helper, with another version in the place of its own. */
static const char *other_version(void) {
  static char path[512];
  static const char other[] = "9.8.7";
  assert_int_equal(sizeof other, sizeof MOONCREW_VERSION);
  snprintf(path, sizeof path, "%s/embed-helper", getenv("TMPDIR"));
  FILE *from = fopen(getenv("MOONCREW_HELPER"), "r"), *to = fopen(path, "w");
  assert_true(from && to);
  fseek(from, 0, SEEK_END);
  size_t length = (size_t)ftell(from), found = 0;
  char *bytes = malloc(length);
  rewind(from);
  assert_int_equal(fread(bytes, 1, length, from), length);
  for (char *at = bytes; (at = memmem(at, length - (size_t)(at - bytes), MOONCREW_VERSION,
                                      strlen(MOONCREW_VERSION)));
       found++)
    memcpy(at, other, strlen(other));
  assert_true(found > 0);
  assert_int_equal(fwrite(bytes, 1, length, to), length);
  free(bytes);
  fclose(from);
  fclose(to);
  chmod(path, 0755);
  return path;
}

static void test_helper_version(void **state) {
  (void)state;
  mooncrew *other = NULL;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.helper = other_version();
  must_fail(MOONCREW_EVERSION, "is of version 9.8.7, the library of " MOONCREW_VERSION,
            mooncrew_open(&options, &other, error));
  unlink(options.helper);
  assert_null(other);
}

static void test_fork(void **state) {
  (void)state;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    mooncrew_error *failure = NULL;
    int wrong = 0;
    wrong += mooncrew_run(host, "math", "abs", NULL, NULL, &failure) != MOONCREW_EFORKED;
    wrong += !strstr(mooncrew_error_message(failure), "belongs to process");
    wrong += mooncrew_poll_fd(host) != MOONCREW_EFORKED;
    wrong += mooncrew_dispatch(host, 0) != MOONCREW_EFORKED;
    wrong += mooncrew_cancel(host, 1, false) != MOONCREW_EFORKED;
    wrong += mooncrew_close(host, 0) != MOONCREW_EFORKED;
    mooncrew *mine = NULL; /* it may have one of its own */
    wrong += mooncrew_open(NULL, &mine, NULL) != MOONCREW_OK;
    wrong += mooncrew_run(mine, "os", "time", NULL, NULL, NULL) != MOONCREW_OK;
    wrong += mooncrew_run(host, "os", "time", NULL, NULL, NULL) != MOONCREW_EINVAL;
    wrong += mooncrew_close(mine, 0) != MOONCREW_OK;
    _exit(wrong);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  mooncrew_values_free(run_chunk(host, "return 1", NULL)); /* the parent's is unharmed */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_null),
      cmocka_unit_test(test_wrong_handles),
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_readers),
      cmocka_unit_test(test_unsendable_results),
      cmocka_unit_test(test_option_sizes),
      cmocka_unit_test(test_option_values),
      cmocka_unit_test(test_helpers),
      cmocka_unit_test(test_helper_version),
      cmocka_unit_test(test_fork),
  };
  return cmocka_run_group_tests(tests, open_with_one_worker, close_shared);
}
