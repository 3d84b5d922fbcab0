/* The helper's memory fails, at each allocation of its in turn: the host gets an error or
 * what it asked for, in time, no process is left, and another runtime can be opened. */
#include "host.h"

#include <sys/stat.h>

enum { FAR = 1000000, LIMIT = 60 };

static char mark[512];

/* The library that fails, beside this program. */
static const char *failing_library(void) {
  static char path[4200];
  char self[4096] = "";
  assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  snprintf(path, sizeof path, "%s/embed_failing.so", dirname(self));
  return path;
}

static void set_number(const char *name, long number) {
  char text[32];
  snprintf(text, sizeof text, "%ld", number);
  setenv(name, text, 1);
}

static int answer(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)data;
  return mooncrew_push_value(results, mooncrew_values_at(args, 0));
}

/* Some of everything that goes through the helper. Whatever fails, it goes on. */
static void use(mooncrew *host) {
  static const char source[] = "local q = ... q:put(require 'mooncrew.host'.answer(5)) "
                               "return { q }";
  mooncrew_object *queue = NULL, *dict = NULL;
  mooncrew_values *args = mooncrew_values_new(), *got = NULL;
  mooncrew_register(host, "answer", answer, NULL);
  mooncrew_queue_new(host, 0, &queue, NULL);
  mooncrew_dict_new(host, &dict, NULL);
  mooncrew_push_integer(args, 7);
  mooncrew_queue_put(queue, args, 0, NULL, NULL);
  mooncrew_queue_get(queue, 1, 0, &got, NULL);
  mooncrew_values_free(got);
  mooncrew_dict_set(dict, "x", mooncrew_values_at(args, 0), NULL);
  mooncrew_values_free(args);
  args = mooncrew_values_new();
  mooncrew_push_object(args, queue);
  got = NULL;
  mooncrew_run_source(host, source, sizeof source - 1, NULL, args, &got, NULL);
  mooncrew_values_free(got);
  mooncrew_task task = 0;
  mooncrew_submit_source(host, "while true do end", 17, NULL, NULL, NULL, &task, NULL);
  mooncrew_cancel(host, task, true);
  mooncrew_values_free(args);
  mooncrew_object_free(queue);
  mooncrew_object_free(dict);
  stats_of(host);
}

/* Whether the helper came to that allocation. */
static bool try_session(long fails_at) {
  mooncrew *host = NULL;
  mooncrew_error *failure = NULL;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = 1;
  options.open_timeout = LIMIT * 1000;
  set_number("MOONCREW_TEST_FAILS_AT", fails_at);
  unlink(mark);
  alarm(LIMIT); /* a hang: its number is on stderr */
  int code = mooncrew_open(&options, &host, &failure);
  assert_int_equal(mooncrew_error_code(failure), code);
  mooncrew_error_free(failure);
  pid_t helper = 0;
  if (code == MOONCREW_OK) {
    helper = (pid_t)stats_of(host).helper;
    use(host);
    assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  } else {
    assert_null(host);
  }
  alarm(0);
  assert_false(helper && is_running(helper));
  return access(mark, F_OK) == 0;
}

static long last_number;

static void tell_hang(int number) {
  char text[64];
  (void)number;
  int n = snprintf(text, sizeof text, "hung with allocation %ld failing\n", last_number);
  _exit(write(2, text, (size_t)n) < 0 ? 2 : 1);
}

/* All of them under ./dev torture, else one in some. */
static void test_failing(long fails, long step) {
  const char *how = getenv("MOONCREW_TORTURE");
  if (how && !strcmp(how, "full"))
    step = 1;
  signal(SIGALRM, tell_hang);
  snprintf(mark, sizeof mark, "%s/embed-failed", getenv("TMPDIR"));
  set_number("MOONCREW_TEST_FAILS", fails);
  setenv("MOONCREW_TEST_FAILED", mark, 1);
  unsigned descriptors = count_descriptors();
  setenv("LD_PRELOAD", failing_library(), 1); /* for the helper */
  setenv("MOONCREW_MALLOC", "malloc", 1);     /* Lua's small blocks too */
  for (last_number = 1; try_session(last_number); last_number += step)
    assert_true(last_number < FAR);
  unsetenv("MOONCREW_MALLOC");
  unsetenv("LD_PRELOAD");
  unlink(mark);
  assert_true(last_number > 1);
  assert_int_equal(count_descriptors(), descriptors);
  mooncrew *host = open_host(1, 0); /* and all is well */
  mooncrew_values_free(run_chunk(host, "return 1", NULL));
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  print_message("  about %ld allocations, one in %ld failed\n", last_number, step);
}

static void test_one(void **state) {
  (void)state;
  test_failing(1, 41);
}

/* Lua collects garbage and tries a second time, so one failure is often none. */
static void test_two(void **state) {
  (void)state;
  test_failing(2, 43);
}

static void test_all(void **state) {
  (void)state;
  test_failing(FAR, 47);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one),
      cmocka_unit_test(test_two),
      cmocka_unit_test(test_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
