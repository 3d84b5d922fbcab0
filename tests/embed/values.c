/* Values there and back: every type, tables of every shape, what is shared and what is
 * its own part. */
#include "shared_host.h"

#include <math.h>

static mooncrew_values *echo(const mooncrew_values *args) {
  return run_chunk(host, "return ...", args);
}

static void test_integers(void **state) {
  (void)state;
  static const int64_t integers[] = {0,    1,         -1,        127,       128,
                                     -128, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
  mooncrew_values *args = mooncrew_values_new();
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
    mooncrew_push_integer(args, integers[i]);
  mooncrew_values *back = echo(args);
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
    assert_int_equal(mooncrew_value_type(mooncrew_values_at(back, i)), MOONCREW_INTEGER);
    assert_int_equal(integer_at(back, i), integers[i]);
  }
  mooncrew_values_free(args);
  mooncrew_values_free(back);
}

static void test_numbers(void **state) {
  (void)state;
  const double numbers[] = {0.0, -0.0, 1.5, 3.0, 1e308, -INFINITY, INFINITY, NAN, 5e-324};
  mooncrew_values *args = mooncrew_values_new();
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    mooncrew_push_number(args, numbers[i]);
  mooncrew_values *back = echo(args);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    double number = 0;
    const mooncrew_value *value = mooncrew_values_at(back, i);
    assert_int_equal(mooncrew_value_type(value), MOONCREW_NUMBER);
    assert_int_equal(mooncrew_value_number(value, &number), MOONCREW_OK);
    assert_memory_equal(&number, &numbers[i], sizeof number);
  }
  assert_int_equal(integer_at(back, 3), 3); /* whole, so it reads as an integer too */
  mooncrew_values_free(args);
  mooncrew_values_free(back);
}

static void test_booleans_and_nil(void **state) {
  (void)state;
  mooncrew_values *args = mooncrew_values_new();
  mooncrew_push_boolean(args, true);
  mooncrew_push_nil(args);
  mooncrew_push_boolean(args, false);
  mooncrew_push_nil(args);
  mooncrew_values *back = run_chunk(host, "return select('#', ...), ...", args);
  bool yes = false, no = true;
  assert_int_equal(integer_at(back, 0), 4);
  assert_int_equal(mooncrew_values_count(back), 5);
  assert_int_equal(mooncrew_value_boolean(mooncrew_values_at(back, 1), &yes),
                   MOONCREW_OK);
  assert_int_equal(mooncrew_value_boolean(mooncrew_values_at(back, 3), &no), MOONCREW_OK);
  assert_true(yes && !no);
  assert_int_equal(mooncrew_value_type(mooncrew_values_at(back, 2)), MOONCREW_NIL);
  assert_int_equal(mooncrew_value_type(mooncrew_values_at(back, 4)), MOONCREW_NIL);
  mooncrew_values_free(args);
  mooncrew_values_free(back);
}

static void test_strings(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 63, 64, 239, 240, 241, 4000, 5000, 100000};
  char *bytes = malloc(100000);
  for (size_t i = 0; i < 100000; i++)
    bytes[i] = (char)(i * 7);
  mooncrew_values *args = mooncrew_values_new();
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    mooncrew_push_bytes(args, bytes, lengths[i]);
  mooncrew_values *back = echo(args);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const char *text = NULL;
    size_t length = 1;
    assert_int_equal(mooncrew_value_string(mooncrew_values_at(back, i), &text, &length),
                     MOONCREW_OK);
    assert_int_equal(length, lengths[i]);
    assert_memory_equal(text, bytes, length);
    assert_int_equal(text[length], '\0');
  }
  free(bytes);
  mooncrew_values_free(args);
  mooncrew_values_free(back);
}

static void test_tables(void **state) {
  (void)state;
  mooncrew_values *args = mooncrew_values_new();
  mooncrew_push_table(args);
  mooncrew_push_string(args, "one");
  mooncrew_key(args, "inner");
  mooncrew_push_table(args);
  mooncrew_key_integer(args, -5);
  mooncrew_push_boolean(args, true);
  mooncrew_end_table(args);
  mooncrew_push_string(args, "two");
  mooncrew_key(args, "nothing");
  mooncrew_push_nil(args);
  mooncrew_end_table(args);
  mooncrew_values *back = run_chunk(
      host,
      "local t = ... t[3] = 'three' t[10] = 'ten' t[1.5] = 1 t[true] = 2 return t, "
      "#t, t.inner[-5], t.nothing",
      args);
  const mooncrew_value *table = mooncrew_values_at(back, 0), *key, *value;
  const char *text = NULL;
  bool boolean = false;
  assert_int_equal(mooncrew_value_length(table), 3);
  assert_int_equal(mooncrew_value_string(mooncrew_value_item(table, 2), &text, NULL), 0);
  assert_string_equal(text, "two");
  assert_int_equal(mooncrew_value_string(mooncrew_value_item(table, 10), &text, NULL), 0);
  assert_string_equal(text, "ten");
  assert_null(mooncrew_value_item(table, 0));
  assert_null(mooncrew_value_item(table, 4));
  assert_null(mooncrew_value_field(table, "nothing"));
  const mooncrew_value *inner = mooncrew_value_field(table, "inner");
  assert_int_equal(mooncrew_value_boolean(mooncrew_value_item(inner, -5), &boolean), 0);
  assert_true(boolean);
  assert_int_equal(mooncrew_value_count(table), 4); /* inner, 10, 1.5, true */
  unsigned seen = 0;
  for (size_t i = 0; mooncrew_value_entry(table, i, &key, &value) == MOONCREW_OK; i++)
    seen |= 1u << mooncrew_value_type(key);
  assert_int_equal(seen, 1u << MOONCREW_STRING | 1u << MOONCREW_INTEGER |
                             1u << MOONCREW_NUMBER | 1u << MOONCREW_BOOLEAN);
  assert_int_equal(mooncrew_value_type(mooncrew_values_at(back, 3)), MOONCREW_NIL);
  mooncrew_values_free(args);
  mooncrew_values_free(back);
}

/* Entries are sent in chunks of 255. */
static void test_many_entries(void **state) {
  (void)state;
  static const int counts[] = {254, 255, 256, 509, 510, 511, 1000};
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
    mooncrew_values *args = mooncrew_values_new();
    mooncrew_push_table(args);
    for (int i = 0; i < counts[c]; i++) {
      char key[16];
      snprintf(key, sizeof key, "k%d", i);
      mooncrew_key(args, key);
      mooncrew_push_integer(args, i);
    }
    mooncrew_end_table(args);
    mooncrew_values *back = run_chunk(
        host,
        "local t, n = ..., 0 for k, v in pairs(t) do assert(k == 'k' .. v) n = n + "
        "1 end return n, t",
        args);
    assert_int_equal(integer_at(back, 0), counts[c]);
    const mooncrew_value *table = mooncrew_values_at(back, 1);
    assert_int_equal(mooncrew_value_count(table), counts[c]);
    int64_t last = -1;
    mooncrew_value_integer(mooncrew_value_field(table, "k253"), &last);
    assert_int_equal(last, 253);
    mooncrew_values_free(args);
    mooncrew_values_free(back);
  }
}

static void test_shared(void **state) {
  (void)state;
  mooncrew_values *back = run_chunk(host,
                                    "local a, b = {1}, {2} a.me = a "
                                    "return { a, b, a, x = a }, a, b",
                                    NULL);
  const mooncrew_value *list = mooncrew_values_at(back, 0);
  const mooncrew_value *a = mooncrew_value_item(list, 3);
  for (int i = 0; i < 1000; i++) /* a table in itself has no end */
    a = mooncrew_value_field(a, "me");
  int64_t integer = 0;
  mooncrew_value_integer(mooncrew_value_item(a, 1), &integer);
  assert_int_equal(integer, 1);
  mooncrew_value_integer(mooncrew_value_item(mooncrew_values_at(back, 2), 1), &integer);
  assert_int_equal(integer, 2);
  /* it can be read, but not be copied */
  mooncrew_values *args = mooncrew_values_new();
  assert_int_equal(mooncrew_push_value(args, a), MOONCREW_EINVAL);
  mooncrew_values_free(args);
  mooncrew_values_free(back);
}

static void test_metatables_stay_behind(void **state) {
  (void)state;
  mooncrew_values *back =
      run_chunk(host, "return setmetatable({ 7, x = 8 }, { n = { 1 } }), 9", NULL);
  int64_t integer = 0;
  const mooncrew_value *table = mooncrew_values_at(back, 0);
  assert_int_equal(mooncrew_value_length(table), 1);
  assert_int_equal(mooncrew_value_count(table), 1);
  mooncrew_value_integer(mooncrew_value_field(table, "x"), &integer);
  assert_int_equal(integer, 8);
  assert_int_equal(integer_at(back, 1), 9);
  mooncrew_values_free(back);
}

static void test_constants(void **state) {
  (void)state;
  mooncrew_values *back =
      run_chunk(host, "local m = require 'mooncrew' return m.Queue():get(false)", NULL);
  const char *name = NULL;
  const mooncrew_value *constant = mooncrew_values_at(back, 1);
  assert_int_equal(mooncrew_value_type(constant), MOONCREW_CONSTANT);
  assert_int_equal(mooncrew_value_string(constant, &name, NULL), MOONCREW_OK);
  assert_string_equal(name, "mooncrew.Empty");
  mooncrew_values_free(back);
}

static void test_push_value(void **state) {
  (void)state;
  mooncrew_values *first = run_chunk(
      host, "return 'text', { 1, { 2, a = { b = 'deep' } }, [3.5] = false }, nil", NULL);
  mooncrew_values *args = mooncrew_values_new();
  for (size_t i = 0; i < mooncrew_values_count(first); i++)
    mooncrew_push_value(args, mooncrew_values_at(first, i));
  mooncrew_values_free(first); /* what was pushed is a copy */
  mooncrew_values *back = run_chunk(
      host,
      "local s, t, n = ... return s == 'text' and t[2].a.b == 'deep' and t[2][1] == "
      "2 and t[3.5] == false and n == nil and 1 or 0",
      args);
  assert_int_equal(integer_at(back, 0), 1);
  mooncrew_values_free(args);
  mooncrew_values_free(back);
}

static void test_deep(void **state) {
  (void)state;
  mooncrew_values *args = mooncrew_values_new();
  for (int i = 0; i < 199; i++)
    mooncrew_push_table(args);
  for (int i = 0; i < 199; i++)
    mooncrew_end_table(args);
  mooncrew_values *back = run_chunk(
      host, "local t, n = ..., 0 while t do t, n = t[1], n + 1 end return n", args);
  assert_int_equal(integer_at(back, 0), 199);
  mooncrew_values_free(args);
  mooncrew_values_free(back);
  back = run_chunk(host, "local t = {} for i = 1, 3900 do t = { t } end return t", NULL);
  const mooncrew_value *value = mooncrew_values_at(back, 0);
  int depth = 0;
  for (; value; depth++)
    value = mooncrew_value_item(value, 1);
  assert_int_equal(depth, 3901);
  mooncrew_values_free(back);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_integers),
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_booleans_and_nil),
      cmocka_unit_test(test_strings),
      cmocka_unit_test(test_tables),
      cmocka_unit_test(test_many_entries),
      cmocka_unit_test(test_shared),
      cmocka_unit_test(test_metatables_stay_behind),
      cmocka_unit_test(test_constants),
      cmocka_unit_test(test_push_value),
      cmocka_unit_test(test_deep),
  };
  return cmocka_run_group_tests(tests, open_with_one_worker, close_shared);
}
