/* Values, errors, and what else needs no runtime. */
#include "embed/support/attempts.h"
#include "embed/support/memory.h"

mooncrew_values *some_values(void) {
  mooncrew_values *values = mooncrew_values_new();
  mooncrew_push_table(values);
  for (int i = 0; i < 5; i++)
    mooncrew_push_integer(values, i);
  mooncrew_key(values, "text");
  mooncrew_push_string(values, "a string");
  mooncrew_key_integer(values, -1);
  mooncrew_push_table(values);
  mooncrew_push_number(values, 0.5);
  mooncrew_end_table(values);
  mooncrew_end_table(values);
  mooncrew_push_boolean(values, true);
  return values;
}

static int try_new(void) {
  arm();
  mooncrew_values *values = mooncrew_values_new();
  disarm();
  int code = values ? MOONCREW_OK : MOONCREW_ENOMEM;
  if (!values) /* which pushes take as a failure, too */
    assert_int_equal(mooncrew_push_nil(values), MOONCREW_EINVAL);
  mooncrew_values_free(values);
  return code;
}

static int try_free(void) {
  mooncrew_values *values = some_values();
  arm();
  mooncrew_values_free(values);
  disarm();
  return MOONCREW_OK;
}

/* Pushes until an array has to grow. The first failure is kept. */
static int push_some(int (*push)(mooncrew_values *values)) {
  mooncrew_values *values = mooncrew_values_new();
  int code = MOONCREW_OK;
  arm();
  for (int i = 0; i < 5; i++)
    code = push(values);
  disarm();
  assert_int_equal(mooncrew_push_nil(values), code);
  mooncrew_values_free(values);
  return code;
}

static int push_boolean(mooncrew_values *values) {
  return mooncrew_push_boolean(values, true);
}

static int push_integer(mooncrew_values *values) {
  return mooncrew_push_integer(values, 1);
}

static int push_number(mooncrew_values *values) {
  return mooncrew_push_number(values, 0.5);
}

static int push_string(mooncrew_values *values) {
  return mooncrew_push_string(values, "some text that is longer than nothing at all, so "
                                      "that five of these need another block for it");
}

static int push_bytes(mooncrew_values *values) {
  static const char bytes[5000];
  return mooncrew_push_bytes(values, bytes, sizeof bytes);
}

static int try_push_nil(void) {
  return push_some(mooncrew_push_nil);
}

static int try_push_boolean(void) {
  return push_some(push_boolean);
}

static int try_push_integer(void) {
  return push_some(push_integer);
}

static int try_push_number(void) {
  return push_some(push_number);
}

static int try_push_string(void) {
  return push_some(push_string);
}

static int try_push_bytes(void) {
  return push_some(push_bytes);
}

static int try_push_table(void) {
  return push_some(mooncrew_push_table);
}

static int try_push_value(void) {
  mooncrew_values *from = some_values(), *to = mooncrew_values_new();
  arm();
  int code = mooncrew_push_value(to, mooncrew_values_at(from, 0));
  disarm();
  assert_int_equal(mooncrew_values_count(to), code ? 0 : 1);
  mooncrew_values_free(from);
  mooncrew_values_free(to);
  return code;
}

/* Keys of both kinds, and the end of the table: so many that both arrays grow. */
static int try_table(void) {
  mooncrew_values *values = mooncrew_values_new();
  mooncrew_push_table(values);
  int code = MOONCREW_OK;
  arm();
  for (int i = 0; i < 5; i++) {
    mooncrew_key(values, "a key of a table that is quite long, as keys of tables go");
    mooncrew_push_nil(values);
    mooncrew_key_integer(values, i * 100);
    code = mooncrew_push_nil(values);
  }
  int end = mooncrew_end_table(values);
  disarm();
  assert_int_equal(end, code);
  mooncrew_values_free(values);
  return code;
}

static int try_readers(void) {
  mooncrew_values *values = some_values();
  const mooncrew_value *key = NULL, *value = NULL;
  const char *text = NULL;
  int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  arm();
  const mooncrew_value *table = mooncrew_values_at(values, 0);
  int wrong = mooncrew_values_count(values) != 2;
  wrong += mooncrew_value_type(table) != MOONCREW_TABLE;
  wrong += mooncrew_value_boolean(mooncrew_values_at(values, 1), &boolean) != 0;
  wrong += mooncrew_value_integer(mooncrew_value_item(table, 5), &integer) != 0;
  wrong += mooncrew_value_number(mooncrew_value_item(table, 1), &number) != 0;
  wrong += mooncrew_value_string(mooncrew_value_field(table, "text"), &text, NULL) != 0;
  wrong += mooncrew_value_length(table) != 5 || mooncrew_value_count(table) != 2;
  wrong += mooncrew_value_entry(table, 1, &key, &value) != 0;
  wrong += mooncrew_value_object(value) != NULL;
  disarm();
  assert_int_equal(wrong, 0);
  mooncrew_values_free(values);
  return MOONCREW_OK;
}

static int try_errors(void) {
  mooncrew_error *failure = NULL;
  arm();
  int code = mooncrew_wait(NULL, 1, 0, NULL, &failure);
  int same = mooncrew_error_code(failure);
  bool ok = mooncrew_error_message(failure) && mooncrew_error_traceback(failure) &&
            mooncrew_error_kind(failure) && !mooncrew_error_signal(failure) &&
            mooncrew_error_exit_code(failure) == -1 && !mooncrew_error_task(failure) &&
            mooncrew_strerror(code) && mooncrew_version();
  mooncrew_error_free(failure);
  disarm();
  assert_true(ok);
  assert_int_equal(code, MOONCREW_EINVAL);
  assert_int_equal(same, code); /* its code is told, whatever else is not */
  return MOONCREW_OK;
}

static int try_set_allocator(void) {
  arm();
  int code = mooncrew_set_allocator(memory_allocate, NULL);
  disarm();
  return code;
}

/* ---- mooncrew_apply: in a worker ---- */

static int give_back(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)data;
  int code = MOONCREW_OK;
  for (size_t i = 0; i < mooncrew_values_count(args) && !code; i++)
    code = mooncrew_push_value(results, mooncrew_values_at(args, i));
  return code;
}

static int give_some(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)data, (void)args;
  mooncrew_values *values = some_values();
  int code = give_back(NULL, values, results);
  mooncrew_values_free(values);
  return code;
}

static int try_apply(void) {
  unsigned char *some = NULL, *out = NULL;
  size_t length = 0, out_length = 0;
  const unsigned char none = 0; /* a message without values */
  assert_int_equal(mooncrew_apply(give_some, &none, 1, &some, &length), MOONCREW_OK);
  arm();
  int code = mooncrew_apply(give_back, some, length, &out, &out_length);
  disarm();
  if (!code) {
    assert_int_equal(out_length, length);
    assert_memory_equal(out, some, length);
  }
  mooncrew_apply_free(some);
  mooncrew_apply_free(out);
  return code;
}

static int try_apply_free(void) {
  unsigned char *some = NULL;
  size_t length = 0;
  const unsigned char none = 0;
  assert_int_equal(mooncrew_apply(give_some, &none, 1, &some, &length), MOONCREW_OK);
  arm();
  mooncrew_apply_free(some);
  disarm();
  return MOONCREW_OK;
}

const struct attempt value_attempts[] = {
    {"mooncrew_strerror", try_errors, SURVIVES, NULL},
    {"mooncrew_version", try_errors, SURVIVES, NULL},
    {"mooncrew_error_code", try_errors, SURVIVES, NULL},
    {"mooncrew_error_message", try_errors, SURVIVES, NULL},
    {"mooncrew_error_traceback", try_errors, SURVIVES, NULL},
    {"mooncrew_error_kind", try_errors, SURVIVES, NULL},
    {"mooncrew_error_signal", try_errors, SURVIVES, NULL},
    {"mooncrew_error_exit_code", try_errors, SURVIVES, NULL},
    {"mooncrew_error_task", try_errors, SURVIVES, NULL},
    {"mooncrew_error_free", try_errors, SURVIVES, NULL},
    {"mooncrew_set_allocator", try_set_allocator, NEVER, NULL},
    {"mooncrew_values_new", try_new, FAILS, NULL},
    {"mooncrew_values_free", try_free, NEVER, NULL},
    {"mooncrew_push_nil", try_push_nil, FAILS, NULL},
    {"mooncrew_push_boolean", try_push_boolean, FAILS, NULL},
    {"mooncrew_push_integer", try_push_integer, FAILS, NULL},
    {"mooncrew_push_number", try_push_number, FAILS, NULL},
    {"mooncrew_push_string", try_push_string, FAILS, NULL},
    {"mooncrew_push_bytes", try_push_bytes, FAILS, NULL},
    {"mooncrew_push_value", try_push_value, FAILS, NULL},
    {"mooncrew_push_table", try_push_table, FAILS, NULL},
    {"mooncrew_key", try_table, FAILS, NULL},
    {"mooncrew_key_integer", try_table, FAILS, NULL},
    {"mooncrew_end_table", try_table, FAILS, NULL},
    {"mooncrew_values_count", try_readers, NEVER, NULL},
    {"mooncrew_values_at", try_readers, NEVER, NULL},
    {"mooncrew_value_type", try_readers, NEVER, NULL},
    {"mooncrew_value_boolean", try_readers, NEVER, NULL},
    {"mooncrew_value_integer", try_readers, NEVER, NULL},
    {"mooncrew_value_number", try_readers, NEVER, NULL},
    {"mooncrew_value_string", try_readers, NEVER, NULL},
    {"mooncrew_value_length", try_readers, NEVER, NULL},
    {"mooncrew_value_item", try_readers, NEVER, NULL},
    {"mooncrew_value_field", try_readers, NEVER, NULL},
    {"mooncrew_value_count", try_readers, NEVER, NULL},
    {"mooncrew_value_entry", try_readers, NEVER, NULL},
    {"mooncrew_apply", try_apply, FAILS, NULL},
    {"mooncrew_apply_free", try_apply_free, NEVER, NULL},
    {NULL, NULL, NEVER, NULL},
};
