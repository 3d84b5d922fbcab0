/* Dicts and lists, function by function: what each does, and what it refuses. */
#include "shared_host.h"

static mooncrew_object *dict, *list;

static int make_both(void **state) {
  (void)state;
  must(mooncrew_dict_new(host, &dict, error));
  must(mooncrew_list_new(host, &list, error));
  return 0;
}

static int free_both(void **state) {
  (void)state;
  mooncrew_object_free(dict);
  mooncrew_object_free(list);
  return 0;
}

/* A list of one value each, which lives until the next. */
static mooncrew_values *one;

static mooncrew_values *next_one(void) {
  mooncrew_values_free(one);
  one = mooncrew_values_new();
  return one;
}

static const mooncrew_value *integer(int64_t number) {
  mooncrew_push_integer(next_one(), number);
  return mooncrew_values_at(one, 0);
}

static const mooncrew_value *string(const char *text) {
  mooncrew_push_string(next_one(), text);
  return mooncrew_values_at(one, 0);
}

static const mooncrew_value *number(double value) {
  mooncrew_push_number(next_one(), value);
  return mooncrew_values_at(one, 0);
}

static const mooncrew_value *nil(void) {
  mooncrew_push_nil(next_one());
  return mooncrew_values_at(one, 0);
}

/* What a chunk gives for the dict and the list. */
static mooncrew_values *in_lua(const char *source) {
  mooncrew_values *args = mooncrew_values_new();
  mooncrew_push_object(args, dict);
  mooncrew_push_object(args, list);
  mooncrew_values *results = run_chunk(host, source, args);
  mooncrew_values_free(args);
  return results;
}

static bool is_true(const char *expression) {
  char source[512];
  bool yes = false;
  snprintf(source, sizeof source,
           "local mooncrew = require 'mooncrew' local d, l = ... return %s", expression);
  mooncrew_values *results = in_lua(source);
  assert_int_equal(mooncrew_value_boolean(mooncrew_values_at(results, 0), &yes), 0);
  mooncrew_values_free(results);
  return yes;
}

static int64_t dict_integer(const char *key) {
  mooncrew_values *value = NULL;
  must(mooncrew_dict_get(dict, key, &value, error));
  int64_t found = integer_at(value, 0);
  assert_int_equal(mooncrew_values_count(value), 1);
  mooncrew_values_free(value);
  return found;
}

static void test_dict_entries(void **state) {
  (void)state;
  mooncrew_values *value = (mooncrew_values *)&value; /* must be emptied */
  size_t size = 7;
  must_fail(MOONCREW_EEMPTY, "mooncrew_dict_get: there is nothing",
            mooncrew_dict_get(dict, "x", &value, error));
  assert_null(value);
  must(mooncrew_dict_size(dict, &size, error));
  assert_int_equal(size, 0);
  must(mooncrew_dict_set(dict, "x", integer(5), error));
  must(mooncrew_dict_set(dict, "", string("the empty key"), error));
  assert_int_equal(dict_integer("x"), 5);
  assert_true(is_true("d.x == 5 and d[''] == 'the empty key'"));
  must(mooncrew_dict_set(dict, "x", string("text"), error));
  must(mooncrew_dict_size(dict, &size, error));
  assert_int_equal(size, 2);
  must(mooncrew_dict_set(dict, "", nil(), error)); /* out */
  must(mooncrew_dict_pop(dict, "x", &value, error));
  const char *text = NULL;
  assert_int_equal(mooncrew_value_string(mooncrew_values_at(value, 0), &text, NULL), 0);
  assert_string_equal(text, "text");
  mooncrew_values_free(value);
  must_fail(MOONCREW_EEMPTY, "mooncrew_dict_pop: there is nothing",
            mooncrew_dict_pop(dict, "x", &value, error));
  assert_null(value);
  must(mooncrew_dict_size(dict, &size, error));
  assert_int_equal(size, 0);
  /* false is a value */
  mooncrew_values_free(in_lua("local d = ... d.no = false"));
  must(mooncrew_dict_get(dict, "no", &value, error));
  assert_int_equal(mooncrew_value_type(mooncrew_values_at(value, 0)), MOONCREW_BOOLEAN);
  mooncrew_values_free(value);
  must(mooncrew_dict_pop(dict, "no", NULL, error)); /* of no interest */
}

static void test_dict_tables(void **state) {
  (void)state;
  mooncrew_values *table = mooncrew_values_new(), *value = NULL;
  mooncrew_push_table(table);
  mooncrew_key(table, "host");
  mooncrew_push_string(table, "localhost");
  mooncrew_key_integer(table, 7);
  mooncrew_push_boolean(table, true);
  mooncrew_end_table(table);
  must(mooncrew_dict_update(dict, mooncrew_values_at(table, 0), error));
  must(mooncrew_dict_set(dict, "deep", mooncrew_values_at(table, 0), error));
  mooncrew_values_free(table);
  assert_true(is_true("d.host == 'localhost' and d[7] == true and d.deep[7] == true"));
  /* a table in it is an object, and the copy is plain all the way down */
  must(mooncrew_dict_get(dict, "deep", &value, error));
  mooncrew_object *deep = mooncrew_value_object(mooncrew_values_at(value, 0));
  mooncrew_values_free(value);
  must(mooncrew_dict_set(deep, "more", integer(1), error));
  mooncrew_object_free(deep);
  must(mooncrew_dict_copy(dict, &value, error));
  const mooncrew_value *copied = mooncrew_values_at(value, 0);
  assert_int_equal(mooncrew_value_count(copied), 3);
  int64_t more = 0;
  mooncrew_value_integer(
      mooncrew_value_field(mooncrew_value_field(copied, "deep"), "more"), &more);
  assert_int_equal(more, 1);
  mooncrew_values_free(value);
  must(mooncrew_dict_clear(dict, error));
  must(mooncrew_dict_copy(dict, &value, error));
  assert_int_equal(mooncrew_value_type(mooncrew_values_at(value, 0)), MOONCREW_TABLE);
  assert_int_equal(mooncrew_value_count(mooncrew_values_at(value, 0)), 0);
  mooncrew_values_free(value);
  /* an object may lie in it */
  mooncrew_values *items = mooncrew_values_new();
  mooncrew_push_object(items, list);
  must(mooncrew_dict_set(dict, "list", mooncrew_values_at(items, 0), error));
  mooncrew_values_free(items);
  must(mooncrew_list_append(list, integer(9), error));
  assert_true(is_true("d.list[1] == 9"));
}

static void test_dict_steps(void **state) {
  (void)state;
  int64_t sum = -1;
  bool written = true;
  must(mooncrew_dict_incr(dict, "hits", 3, &sum, error));
  assert_int_equal(sum, 3);
  must(mooncrew_dict_incr(dict, "hits", -5, &sum, error));
  assert_int_equal(sum, -2);
  must(mooncrew_dict_incr(dict, "hits", 1, NULL, error));
  assert_int_equal(dict_integer("hits"), -1);
  must(mooncrew_dict_set(dict, "float", number(0.5), error));
  must_fail(MOONCREW_EVALUE, "mooncrew_dict_incr: the sum is no whole number",
            mooncrew_dict_incr(dict, "float", 1, &sum, error));
  assert_int_equal(sum, -2);
  assert_true(is_true("d.float == 1.5"));
  must(mooncrew_dict_set(dict, "text", string("x"), error));
  must_fail(MOONCREW_ERUN, "number", mooncrew_dict_incr(dict, "text", 1, &sum, error));

  must(mooncrew_dict_cas(dict, "flag", integer(1), NULL, &written, error));
  assert_false(written);
  must(mooncrew_dict_cas(dict, "flag", NULL, integer(1), &written, error));
  assert_true(written);
  must(mooncrew_dict_cas(dict, "flag", NULL, integer(2), &written, error));
  assert_false(written);
  assert_int_equal(dict_integer("flag"), 1);
  must(mooncrew_dict_cas(dict, "flag", integer(1), NULL, NULL, error)); /* taken out */
  must_fail(MOONCREW_EEMPTY, "",
            mooncrew_dict_get(dict, "flag", &(mooncrew_values *){NULL}, error));
}

static int64_t list_integer(int64_t index) {
  mooncrew_values *value = NULL;
  must(mooncrew_list_get(list, index, &value, error));
  int64_t found = integer_at(value, 0);
  mooncrew_values_free(value);
  return found;
}

static void test_list(void **state) {
  (void)state;
  mooncrew_values *value = NULL;
  size_t length = 7;
  int64_t sum = 0;
  must(mooncrew_list_len(list, &length, error));
  assert_int_equal(length, 0);
  must_fail(MOONCREW_EEMPTY, "mooncrew_list_pop: there is nothing",
            mooncrew_list_pop(list, &value, error));
  must_fail(MOONCREW_EEMPTY, "", mooncrew_list_popleft(list, NULL, error));
  must_fail(MOONCREW_EEMPTY, "", mooncrew_list_get(list, 1, &value, error));
  assert_null(value);
  must(mooncrew_list_append(list, integer(10), error));
  must(mooncrew_list_set(list, 2, integer(20), error)); /* behind the last */
  mooncrew_values *items = mooncrew_values_new();
  for (int i = 3; i <= 5; i++)
    mooncrew_push_integer(items, 10 * i);
  must(mooncrew_list_extend(list, items, error));
  mooncrew_values_free(items);
  items = mooncrew_values_new(); /* none at all */
  must(mooncrew_list_extend(list, items, error));
  mooncrew_values_free(items);
  must(mooncrew_list_len(list, &length, error));
  assert_int_equal(length, 5);
  assert_true(is_true("#l == 5 and l[1] == 10 and l[5] == 50"));
  must(mooncrew_list_set(list, 1, integer(11), error));
  must(mooncrew_list_incr(list, 1, 4, &sum, error));
  assert_int_equal(sum, 15);
  assert_int_equal(list_integer(1), 15);
  must_fail(MOONCREW_EEMPTY, "", mooncrew_list_get(list, 6, &value, error));
  must_fail(MOONCREW_EEMPTY, "", mooncrew_list_get(list, 0, &value, error));
  must(mooncrew_list_pop(list, &value, error));
  assert_int_equal(integer_at(value, 0), 50);
  assert_int_equal(mooncrew_values_count(value), 1);
  mooncrew_values_free(value);
  must(mooncrew_list_popleft(list, &value, error));
  assert_int_equal(integer_at(value, 0), 15);
  mooncrew_values_free(value);
  must(mooncrew_list_copy(list, &value, error));
  assert_int_equal(mooncrew_value_length(mooncrew_values_at(value, 0)), 3);
  mooncrew_values_free(value);
  must(mooncrew_list_clear(list, error));
  must(mooncrew_list_len(list, &length, error));
  assert_int_equal(length, 0);
}

static void test_list_errors(void **state) {
  (void)state;
  mooncrew_values *value = NULL, *items = mooncrew_values_new();
  must_fail(MOONCREW_ERUN, "", mooncrew_list_set(list, 2, integer(1), error));
  must_fail(MOONCREW_ERUN, "", mooncrew_list_set(list, -1, integer(1), error));
  must_fail(MOONCREW_ERUN, "nil", mooncrew_list_append(list, nil(), error));
  must_fail(MOONCREW_ERUN, "", mooncrew_list_incr(list, 1, 1, NULL, error));
  mooncrew_push_integer(items, 1);
  mooncrew_push_nil(items);
  mooncrew_push_integer(items, 2);
  mooncrew_error *failure = NULL;
  assert_int_equal(mooncrew_list_extend(list, items, &failure), MOONCREW_ERUN);
  assert_string_equal(mooncrew_error_message(failure),
                      "extend: the table has a hole at 2");
  mooncrew_error_free(failure);
  must_fail(MOONCREW_ERUN, "hole", mooncrew_list_extend(list, items, error));
  mooncrew_push_string(items, NULL); /* a mistake, which is kept */
  must_fail(MOONCREW_EINVAL, "mooncrew_list_extend: items",
            mooncrew_list_extend(list, items, error));
  must_fail(MOONCREW_EINVAL, "items", mooncrew_list_extend(list, NULL, error));
  mooncrew_values_free(items);
  must(mooncrew_list_copy(list, &value, error)); /* nothing was written */
  assert_int_equal(mooncrew_value_length(mooncrew_values_at(value, 0)), 0);
  mooncrew_values_free(value);
  must_fail(MOONCREW_EINVAL, "value: a place", mooncrew_list_get(list, 1, NULL, error));
  must_fail(MOONCREW_EINVAL, "mooncrew_list_set: value: one expected, got NULL",
            mooncrew_list_set(list, 1, NULL, error));
  must_fail(MOONCREW_EINVAL, "value", mooncrew_list_append(list, NULL, error));
  must_fail(MOONCREW_EINVAL, "number", mooncrew_list_len(list, NULL, error));
  must_fail(MOONCREW_EINVAL, "table", mooncrew_list_copy(list, NULL, error));
}

static void test_dict_errors(void **state) {
  (void)state;
  mooncrew_values *value = NULL;
  must_fail(MOONCREW_EINVAL, "mooncrew_dict_get: key: a string expected, got NULL",
            mooncrew_dict_get(dict, NULL, &value, error));
  must_fail(MOONCREW_EINVAL, "value", mooncrew_dict_get(dict, "x", NULL, error));
  must_fail(MOONCREW_EINVAL, "key", mooncrew_dict_set(dict, NULL, integer(1), error));
  must_fail(MOONCREW_EINVAL, "value: one expected, got NULL",
            mooncrew_dict_set(dict, "x", NULL, error));
  must_fail(MOONCREW_EINVAL, "key", mooncrew_dict_pop(dict, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "key", mooncrew_dict_incr(dict, NULL, 1, NULL, error));
  must_fail(MOONCREW_EINVAL, "key",
            mooncrew_dict_cas(dict, NULL, NULL, NULL, NULL, error));
  must_fail(MOONCREW_EINVAL, "table", mooncrew_dict_update(dict, NULL, error));
  must_fail(MOONCREW_ERUN, "table", mooncrew_dict_update(dict, integer(1), error));
  must_fail(MOONCREW_EINVAL, "number", mooncrew_dict_size(dict, NULL, error));
  must_fail(MOONCREW_EINVAL, "table", mooncrew_dict_copy(dict, NULL, error));
  must_fail(MOONCREW_EINVAL, "object: one expected, got NULL",
            mooncrew_dict_clear(NULL, error));
  must_fail(MOONCREW_EINVAL, "object", mooncrew_list_clear(NULL, error));
  /* one that is of another kind */
  must_fail(MOONCREW_ERUN, "a dict expected, got a mooncrew.list",
            mooncrew_dict_get(list, "x", &value, error));
  must_fail(MOONCREW_ERUN, "a list expected, got a mooncrew.dict",
            mooncrew_list_append(dict, integer(1), error));
  mooncrew_object *queue = NULL;
  must(mooncrew_queue_new(host, 0, &queue, error));
  must_fail(MOONCREW_ERUN, "a list expected, got a mooncrew.Queue",
            mooncrew_list_pop(queue, NULL, error));
  mooncrew_object_free(queue);
  assert_null(value);
}

static void test_full(void **state) {
  (void)state;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = 1;
  options.shared_memory = 4 << 20;
  mooncrew *small = NULL;
  must(mooncrew_open(&options, &small, error));
  mooncrew_object *table = NULL;
  must(mooncrew_dict_new(small, &table, error));
  must(mooncrew_dict_set(table, "x", integer(1), error));
  char *bytes = calloc(8, 1 << 20);
  mooncrew_values *value = mooncrew_values_new();
  mooncrew_push_bytes(value, bytes, 8 << 20);
  free(bytes);
  must_fail(MOONCREW_ENOMEM, "shared memory",
            mooncrew_dict_set(table, "x", mooncrew_values_at(value, 0), error));
  int64_t sum = 0;
  must(mooncrew_dict_incr(table, "x", 0, &sum, error)); /* as it was */
  assert_int_equal(sum, 1);
  mooncrew_values_free(value);
  assert_int_equal(mooncrew_close(small, 0), MOONCREW_OK);
  must_fail(MOONCREW_EINVAL, "an open one", mooncrew_dict_clear(table, error));
  mooncrew_object_free(table);
}

static void test_with_scripts(void **state) {
  (void)state;
  enum { N = 200 };
  mooncrew_task task = 0;
  mooncrew_values *args = mooncrew_values_new();
  mooncrew_push_object(args, dict);
  mooncrew_push_object(args, list);
  const char *source = "local d, l = ... for i = 1, 200 do "
                       "require 'mooncrew'.dict.incr(d, 'n') l:append(i) end";
  must(mooncrew_submit_source(host, source, strlen(source), NULL, args, NULL, &task,
                              error));
  mooncrew_values_free(args);
  for (int i = 0; i < N; i++) {
    must(mooncrew_dict_incr(dict, "n", 1, NULL, error));
    must(mooncrew_list_append(list, integer(i), error));
  }
  must(mooncrew_wait(host, task, MOONCREW_FOREVER, NULL, error));
  size_t length = 0;
  must(mooncrew_list_len(list, &length, error));
  assert_int_equal(length, 2 * N);
  assert_int_equal(dict_integer("n"), 2 * N);
}

static int free_one(void **state) {
  mooncrew_values_free(one);
  return close_shared(state);
}

#define with_both(test) cmocka_unit_test_setup_teardown(test, make_both, free_both)

int main(void) {
  const struct CMUnitTest tests[] = {
      with_both(test_dict_entries), with_both(test_dict_tables),
      with_both(test_dict_steps),   with_both(test_dict_errors),
      with_both(test_list),         with_both(test_list_errors),
      with_both(test_with_scripts), cmocka_unit_test(test_full),
  };
  return cmocka_run_group_tests(tests, open_with_one_worker, free_one);
}
