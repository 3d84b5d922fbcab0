/* Queues, dicts and lists that host and scripts share; functions of the host. */
#include "shared_host.h"

#include <pthread.h>

static mooncrew_values *with_integer(int64_t integer) {
  mooncrew_values *values = mooncrew_values_new();
  mooncrew_push_integer(values, integer);
  return values;
}

static mooncrew_values *with_object(mooncrew_object *object) {
  mooncrew_values *values = mooncrew_values_new();
  assert_int_equal(mooncrew_push_object(values, object), MOONCREW_OK);
  return values;
}

static void put_integer(mooncrew_object *queue, int64_t integer) {
  mooncrew_values *item = with_integer(integer);
  size_t count = 0;
  must(mooncrew_queue_put(queue, item, MOONCREW_FOREVER, &count, error));
  assert_int_equal(count, 1);
  mooncrew_values_free(item);
}

static int64_t get_integer(mooncrew_object *queue) {
  mooncrew_values *items = NULL;
  must(mooncrew_queue_get(queue, 1, MOONCREW_FOREVER, &items, error));
  int64_t integer = integer_at(items, 0);
  mooncrew_values_free(items);
  return integer;
}

static void test_queue(void **state) {
  (void)state;
  mooncrew_object *queue = NULL;
  must(mooncrew_queue_new(host, 3, &queue, error));
  put_integer(queue, 1);
  put_integer(queue, 2);
  mooncrew_values *items = with_integer(3);
  mooncrew_push_integer(items, 4);
  size_t count = 0;
  must_fail(MOONCREW_EFULL, "mooncrew.Full after 1 items",
            mooncrew_queue_put(queue, items, 0, &count, error));
  assert_int_equal(count, 1);
  mooncrew_values_free(items);
  assert_int_equal(get_integer(queue), 1);
  must(mooncrew_queue_get(queue, 10, 0, &items, error));
  assert_int_equal(mooncrew_values_count(items), 2);
  assert_int_equal(integer_at(items, 1), 3);
  mooncrew_values_free(items);
  must_fail(MOONCREW_EEMPTY, "empty", mooncrew_queue_get(queue, 1, 0, &items, error));
  assert_null(items);
  must_fail(MOONCREW_EEMPTY, "empty", mooncrew_queue_get(queue, 1, 20, &items, error));
  put_integer(queue, 5);
  must(mooncrew_object_call(queue, "close", NULL, NULL, error));
  items = with_integer(6);
  must_fail(MOONCREW_ECLOSED, "Closed",
            mooncrew_queue_put(queue, items, MOONCREW_FOREVER, NULL, error));
  mooncrew_values_free(items);
  assert_int_equal(get_integer(queue), 5);
  must_fail(MOONCREW_ECLOSED, "closed",
            mooncrew_queue_get(queue, 1, MOONCREW_FOREVER, &items, error));
  mooncrew_object_free(queue);
}

static void test_odd_items(void **state) {
  (void)state;
  mooncrew_object *queue = NULL;
  must(mooncrew_queue_new(host, 0, &queue, error));
  mooncrew_values *items = mooncrew_values_new(), *got = NULL;
  mooncrew_push_nil(items);
  mooncrew_push_boolean(items, false);
  mooncrew_push_nil(items);
  must(mooncrew_queue_put(queue, items, 0, NULL, error));
  mooncrew_values_free(items);
  static const enum mooncrew_type types[] = {MOONCREW_NIL, MOONCREW_BOOLEAN,
                                             MOONCREW_NIL};
  for (int i = 0; i < 3; i++) {
    must(mooncrew_queue_get(queue, 1, 0, &got, error));
    assert_int_equal(mooncrew_values_count(got), 1);
    assert_int_equal(mooncrew_value_type(mooncrew_values_at(got, 0)), types[i]);
    mooncrew_values_free(got);
  }
  items = mooncrew_values_new(); /* no items at all */
  size_t count = 7;
  must(mooncrew_queue_put(queue, items, 0, &count, error));
  assert_int_equal(count, 0);
  mooncrew_values_free(items);
  mooncrew_object_free(queue);
}

static void test_queue_between(void **state) {
  (void)state;
  enum { N = 5000, BATCH = 100 };
  mooncrew_object *in = NULL, *out = NULL;
  must(mooncrew_queue_new(host, 500, &in, error));
  must(mooncrew_queue_new(host, 0, &out, error));
  mooncrew_values *args = with_object(in);
  mooncrew_push_object(args, out);
  const char *source = "local i, o = ... local n = 0 for item in i:items() do "
                       "o:put(item * 2) n = n + 1 end return n";
  mooncrew_task tasks[2];
  for (int i = 0; i < 2; i++)
    must(mooncrew_submit_source(host, source, strlen(source), NULL, args, NULL, &tasks[i],
                                error));
  mooncrew_values_free(args);
  for (int i = 0; i < N; i += BATCH) {
    mooncrew_values *items = mooncrew_values_new();
    for (int j = 0; j < BATCH; j++)
      mooncrew_push_integer(items, i + j);
    must(mooncrew_queue_put(in, items, MOONCREW_FOREVER, NULL, error));
    mooncrew_values_free(items);
  }
  must(mooncrew_object_call(in, "close", NULL, NULL, error));
  int64_t sum = 0, done = 0;
  for (size_t got = 0; got < N;) {
    mooncrew_values *items = NULL;
    must(mooncrew_queue_get(out, BATCH, MOONCREW_FOREVER, &items, error));
    for (size_t i = 0; i < mooncrew_values_count(items); i++, got++)
      sum += integer_at(items, i);
    mooncrew_values_free(items);
  }
  assert_int_equal(sum, (int64_t)N * (N - 1));
  for (int i = 0; i < 2; i++) {
    mooncrew_values *results = NULL;
    must(mooncrew_wait(host, tasks[i], MOONCREW_FOREVER, &results, error));
    done += integer_at(results, 0);
    mooncrew_values_free(results);
  }
  assert_int_equal(done, N);
  mooncrew_object_free(in);
  mooncrew_object_free(out);
}

static void test_dict_and_list(void **state) {
  (void)state;
  mooncrew_object *dict = NULL, *list = NULL;
  must(mooncrew_dict_new(host, &dict, error));
  must(mooncrew_list_new(host, &list, error));
  mooncrew_values *args = with_object(dict), *results = NULL;
  mooncrew_push_object(args, list);
  mooncrew_values_free(run_chunk(host,
                                 "local d, l = ... d.x = 1 d.deep = { y = 2 } "
                                 "l:append('a') l:append('b')",
                                 args));
  mooncrew_values_free(args);
  args = mooncrew_values_new();
  mooncrew_push_string(args, "x");
  mooncrew_push_integer(args, 41);
  must(mooncrew_object_call(dict, "incr", args, &results, error));
  assert_int_equal(integer_at(results, 0), 42);
  mooncrew_values_free(results);
  mooncrew_values_free(args);
  must(mooncrew_object_call(list, "len", NULL, &results, error));
  assert_int_equal(integer_at(results, 0), 2);
  mooncrew_values_free(results);
  args = with_integer(2);
  const char *text = NULL;
  must(mooncrew_object_call(list, "get", args, &results, error));
  assert_int_equal(mooncrew_value_string(mooncrew_values_at(results, 0), &text, NULL), 0);
  assert_string_equal(text, "b");
  mooncrew_values_free(results);
  mooncrew_push_string(args, "c");
  must(mooncrew_object_call(list, "set", args, NULL, error));
  mooncrew_values_free(args);
  must(mooncrew_object_call(list, "copy", NULL, &results, error));
  mooncrew_value_string(mooncrew_value_item(mooncrew_values_at(results, 0), 2), &text,
                        NULL);
  assert_string_equal(text, "c");
  mooncrew_values_free(results);

  /* a nested table is an object of its own */
  args = mooncrew_values_new();
  mooncrew_push_string(args, "deep");
  must(mooncrew_object_call(dict, "get", args, &results, error));
  mooncrew_values_free(args);
  mooncrew_object *deep = mooncrew_value_object(mooncrew_values_at(results, 0));
  mooncrew_values_free(results);
  assert_non_null(deep);
  must(mooncrew_object_call(deep, "keys", NULL, &results, error));
  assert_int_equal(mooncrew_value_length(mooncrew_values_at(results, 0)), 1);
  mooncrew_values_free(results);
  mooncrew_object_free(deep);
  mooncrew_object_free(dict);
  mooncrew_object_free(list);
}

static void test_errors(void **state) {
  (void)state;
  mooncrew_object *queue = NULL;
  mooncrew_values *items = NULL;
  must(mooncrew_queue_new(host, 0, &queue, error));
  must_fail(MOONCREW_ERUN, "got 'nonsense'",
            mooncrew_object_call(queue, "nonsense", NULL, NULL, error));
  must_fail(MOONCREW_ERUN, "", mooncrew_object_call(queue, "put", NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "method",
            mooncrew_object_call(queue, NULL, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "object: one expected, got NULL",
            mooncrew_object_call(NULL, "put", NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "items", mooncrew_queue_put(queue, NULL, 0, NULL, error));
  must_fail(MOONCREW_EINVAL, "a number of them",
            mooncrew_queue_get(queue, 0, 0, &items, error));
  must_fail(MOONCREW_EINVAL, "place", mooncrew_queue_new(host, 0, NULL, error));
  mooncrew_object_free(queue);
  must_fail(MOONCREW_EINVAL, "runtime", mooncrew_queue_new(NULL, 0, &queue, error));
  assert_null(queue);
  mooncrew_object_free(NULL);
  assert_null(mooncrew_value_object(NULL));
  assert_int_equal(mooncrew_push_object(NULL, NULL), MOONCREW_EINVAL);
}

static void test_other_runtime(void **state) {
  (void)state;
  mooncrew *other = open_host(1, 0);
  mooncrew_object *queue = NULL;
  must(mooncrew_queue_new(other, 0, &queue, error));
  mooncrew_values *args = with_object(queue);
  must_fail(MOONCREW_EINVAL, "args",
            mooncrew_run(host, "math", "abs", args, NULL, error));
  assert_int_equal(mooncrew_close(other, 0), MOONCREW_OK);
  must_fail(MOONCREW_EINVAL, "an open one",
            mooncrew_object_call(queue, "qsize", NULL, NULL, error));
  other = open_host(1, 0); /* maybe at the same place in memory */
  must_fail(MOONCREW_EINVAL, "", mooncrew_object_call(queue, "qsize", NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "", mooncrew_run(other, "math", "abs", args, NULL, error));
  mooncrew_values_free(args);
  mooncrew_object_free(queue);
  assert_int_equal(mooncrew_close(other, 0), MOONCREW_OK);
}

/* Objects that nobody holds go, on whatever way they came. */
static void test_lifetime(void **state) {
  (void)state;
  const char *count = "return require 'mooncrew'.shared_memory().objects";
  mooncrew_values *results = run_chunk(host, count, NULL);
  int64_t before = integer_at(results, 0);
  mooncrew_values_free(results);
  for (int i = 0; i < 200; i++) {
    mooncrew_object *queue = NULL;
    must(mooncrew_queue_new(host, 0, &queue, error));
    mooncrew_values *args = with_object(queue);
    mooncrew_object_free(queue); /* the values hold it */
    results = run_chunk(host, "local q = ... q:put(1) return q, { q }", args);
    mooncrew_values_free(args);
    mooncrew_object *again = mooncrew_value_object(mooncrew_values_at(results, 0));
    mooncrew_values_free(results);
    must(mooncrew_object_call(again, "qsize", NULL, &results, error));
    assert_int_equal(integer_at(results, 0), 1);
    mooncrew_values_free(results);
    mooncrew_object_free(again);
    /* a result that nobody takes */
    mooncrew_task task =
        submit_chunk(host, "return require 'mooncrew'.Queue()", NULL, NULL);
    if (i % 2)
      mooncrew_cancel(host, task, false);
    else
      mooncrew_wait(host, task, MOONCREW_FOREVER, NULL, NULL);
  }
  int64_t after = INT64_MAX;
  for (int i = 0; i < 1000 && after > before + 20; i++) { /* the collectors take turns */
    results = run_chunk(
        host, "collectgarbage() return require 'mooncrew'.shared_memory().objects", NULL);
    after = integer_at(results, 0);
    mooncrew_values_free(results);
    mooncrew_object *list = NULL;
    must(mooncrew_list_new(host, &list, error));
    mooncrew_object_free(list);
  }
  assert_true(after <= before + 20);
}

static void *get_one(void *data) {
  return (void *)(intptr_t)get_integer(data);
}

static void test_waiting_thread(void **state) {
  (void)state;
  enum { N = 6 };
  pthread_t threads[N];
  mooncrew_object *queue = NULL;
  must(mooncrew_queue_new(host, 0, &queue, error));
  for (int i = 0; i < N; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, get_one, queue), 0);
  for (int i = 0; i < 20; i++) /* they hold nobody up */
    mooncrew_values_free(run_chunk(host, "return 1", NULL));
  int64_t sum = 0;
  for (int i = 1; i <= N; i++)
    put_integer(queue, i);
  for (int i = 0; i < N; i++) {
    void *got;
    pthread_join(threads[i], &got);
    sum += (intptr_t)got;
  }
  assert_int_equal(sum, N * (N + 1) / 2);
  mooncrew_object_free(queue);
}

static void *get_until_closed(void *data) {
  mooncrew_values *items = NULL;
  return (void *)(intptr_t)mooncrew_queue_get(data, 1, MOONCREW_FOREVER, &items, NULL);
}

static void test_close_while_waiting(void **state) {
  (void)state;
  mooncrew *other = open_host(1, 0);
  mooncrew_object *queue = NULL;
  must(mooncrew_queue_new(other, 0, &queue, error));
  pthread_t thread;
  void *code;
  assert_int_equal(pthread_create(&thread, NULL, get_until_closed, queue), 0);
  mooncrew_values_free(run_chunk(other, "return 1", NULL));
  assert_int_equal(mooncrew_close(other, 0), MOONCREW_OK);
  pthread_join(thread, &code);
  /* it came in time, or after the close */
  assert_true((intptr_t)code == MOONCREW_ECLOSED || (intptr_t)code == MOONCREW_EINVAL);
  mooncrew_object_free(queue);
}

/* ---- functions of the host ---- */

struct calls {
  pid_t process;
  int count;
};

static int add(void *data, const mooncrew_values *args, mooncrew_values *results) {
  struct calls *calls = data;
  int64_t a, b;
  calls->count++;
  calls->process = getpid();
  if (mooncrew_value_integer(mooncrew_values_at(args, 0), &a) ||
      mooncrew_value_integer(mooncrew_values_at(args, 1), &b)) {
    mooncrew_push_string(results, "two integers expected");
    return MOONCREW_EVALUE;
  }
  mooncrew_push_integer(results, a + b);
  mooncrew_push_string(results, "sum");
  return MOONCREW_OK;
}

static void test_host_function(void **state) {
  (void)state;
  struct calls calls = {0};
  assert_int_equal(mooncrew_register(host, "add", add, &calls), MOONCREW_OK);
  mooncrew_values *results = run_chunk(
      host, "local host = require 'mooncrew.host' return host.add(40, 2)", NULL);
  assert_int_equal(integer_at(results, 0), 42);
  assert_int_equal(mooncrew_values_count(results), 2);
  mooncrew_values_free(results);
  assert_int_equal(calls.count, 1);
  assert_int_equal(calls.process, getpid());
  const char *source = "return require 'mooncrew'.host.add(1, 'x')";
  must_fail(MOONCREW_ERUN, "host.add: two integers expected",
            mooncrew_run_source(host, source, strlen(source), NULL, NULL, NULL, error));
  source = "return require 'mooncrew'.host.missing()";
  must_fail(MOONCREW_ERUN, "host.missing: the host has no function of that name",
            mooncrew_run_source(host, source, strlen(source), NULL, NULL, NULL, error));
  source = "return require 'mooncrew'.host.add(print)";
  must_fail(MOONCREW_ERUN, "that crosses by name",
            mooncrew_run_source(host, source, strlen(source), NULL, NULL, NULL, error));
  assert_int_equal(mooncrew_register(host, "add", NULL, NULL), MOONCREW_OK);
  source = "return require 'mooncrew'.host.add(1, 2)";
  must_fail(MOONCREW_ERUN, "no function of that name",
            mooncrew_run_source(host, source, strlen(source), NULL, NULL, NULL, error));
  assert_int_equal(mooncrew_register(host, NULL, add, NULL), MOONCREW_EINVAL);
  assert_int_equal(mooncrew_register(host, "", add, NULL), MOONCREW_EINVAL);
  assert_int_equal(mooncrew_register(NULL, "add", add, NULL), MOONCREW_EINVAL);
}

static int give_much(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)data, (void)args;
  char *bytes = calloc(8, 1 << 20);
  int code = mooncrew_push_bytes(results, bytes, 8 << 20);
  free(bytes);
  return code;
}

/* The script is told when the answer is too big for the shared memory. */
static void test_host_function_too_big(void **state) {
  (void)state;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = 1;
  options.shared_memory = 4 << 20;
  mooncrew *small = NULL;
  must(mooncrew_open(&options, &small, error));
  assert_int_equal(mooncrew_register(small, "much", give_much, NULL), MOONCREW_OK);
  const char *source = "return require 'mooncrew'.host.much()";
  must_fail(MOONCREW_ERUN, "host.much: put: too big for the shared memory",
            mooncrew_run_source(small, source, strlen(source), NULL, NULL, NULL, error));
  mooncrew_values_free(run_chunk(small, "return 1", NULL));
  assert_int_equal(mooncrew_close(small, 0), MOONCREW_OK);
}

static int busy(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)args;
  *(int *)data = mooncrew_close(host, 0);
  /* it may call the runtime again */
  mooncrew_values *inner = run_chunk(host, "return 5", NULL);
  mooncrew_push_value(results, mooncrew_values_at(inner, 0));
  mooncrew_values_free(inner);
  return MOONCREW_OK;
}

static void test_host_function_inside(void **state) {
  (void)state;
  int code = 0;
  assert_int_equal(mooncrew_register(host, "busy", busy, &code), MOONCREW_OK);
  mooncrew_values *results =
      run_chunk(host, "return require 'mooncrew.host'.busy() + 1", NULL);
  assert_int_equal(integer_at(results, 0), 6);
  mooncrew_values_free(results);
  assert_int_equal(code, MOONCREW_EBUSY);
}

static void count_done(void *data, mooncrew_task task, const mooncrew_values *results,
                       const mooncrew_error *failure) {
  (void)task, (void)results;
  assert_null(failure);
  ++*(int *)data;
}

static void test_host_function_in_dispatch(void **state) {
  (void)state;
  enum { N = 300 };
  struct calls calls = {0};
  int done = 0;
  assert_int_equal(mooncrew_register(host, "add", add, &calls), MOONCREW_OK);
  for (int i = 0; i < N; i++)
    submit_chunk(host,
                 "local m = require 'mooncrew' local t = {} for i = 1, 3 do t[i] = "
                 "m.spawn(function() return m.host.add(i, 1) end) end "
                 "for i = 1, 3 do assert(t[i]:get() == i + 1) end",
                 count_done, &done);
  while (done < N)
    assert_true(dispatch_next(host) >= 0);
  assert_int_equal(calls.count, 3 * N);
}

static void test_object_to_function(void **state) {
  (void)state;
  mooncrew_object *queue = NULL;
  must(mooncrew_queue_new(host, 0, &queue, error));
  mooncrew_values *args = with_object(queue);
  mooncrew_values_free(run_chunk(host, "local q = ... q:put(7)", args));
  mooncrew_values_free(args);
  assert_int_equal(get_integer(queue), 7);
  mooncrew_object_free(queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_queue),
      cmocka_unit_test(test_odd_items),
      cmocka_unit_test(test_queue_between),
      cmocka_unit_test(test_dict_and_list),
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_other_runtime),
      cmocka_unit_test(test_lifetime),
      cmocka_unit_test(test_waiting_thread),
      cmocka_unit_test(test_close_while_waiting),
      cmocka_unit_test(test_host_function),
      cmocka_unit_test(test_host_function_too_big),
      cmocka_unit_test(test_host_function_inside),
      cmocka_unit_test(test_host_function_in_dispatch),
      cmocka_unit_test(test_object_to_function),
  };
  return cmocka_run_group_tests(tests, open_with_two_workers, close_shared);
}
