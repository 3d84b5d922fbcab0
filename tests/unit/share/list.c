/* A list in one process: every operation against an array of its own, its errors, what it
 * keeps alive and what it gives back. */
#include "tables.h"

#include "share/array.h"

#include <math.h>

static void test_appends_gets_and_sets(void **state) {
  (void)state;
  mc_ref list = new_list();
  assert_int_equal(mc_object_kind(list), MC_KIND_LIST);
  struct mc_batch batch = {0};
  assert_int_equal(mc_list_get(list, 0, &batch), 0);
  struct mc_value values[] = {integer(1), text("two"), nothing(), floating(4.5)};
  assert_int_equal(mc_list_append(list, values, 4), 0);
  assert_int_equal(mc_list_size(list), 4);
  for (uint64_t i = 0; i < 4; i++)
    assert_int_equal(mc_list_get(list, i, &batch), 1);
  assert_int_equal(mc_batch_item(&batch, 0)->integer, 1);
  assert_text(&batch, 1, "two");
  assert_int_equal(mc_batch_item(&batch, 2)->form, MC_NOTHING);
  assert_true(mc_batch_item(&batch, 3)->number == 4.5);
  mc_batch_empty(&batch);
  struct mc_value five = text("five");
  struct mc_value six = integer(6);
  assert_int_equal(mc_list_set(list, 4, &five), 0);
  assert_int_equal(mc_list_set(list, 1, &six), 0);
  assert_int_equal(mc_list_set(list, 0, &five), 0);
  assert_int_equal(mc_list_set(list, 6, &five), MC_RANGE);
  assert_int_equal(mc_list_size(list), 5);
  assert_int_equal(list_integer(list, 1), 6);
  assert_int_equal(mc_list_get(list, 0, &batch), 1);
  assert_text(&batch, 0, "five");
  audit_now();
  assert_int_equal(mc_list_get(list, 5, &batch), 0);
  assert_int_equal(mc_list_insert(list, 7, &six), MC_RANGE);
  assert_int_equal(mc_list_take(list, 5, &batch), MC_RANGE);
  mc_batch_free(&batch);
  mc_object_drop(list);
  audit_now();
  assert_int_equal(in_use(), 0);
}

/* -- against an array
 * ------------------------------------------------------------------------ */

#define MOST 40000

static int64_t model[MOST];
static uint64_t model_size;

static void model_insert(uint64_t i, int64_t number) {
  memmove(&model[i + 1], &model[i], (model_size - i) * sizeof(model[0]));
  model[i] = number;
  model_size++;
}

static int64_t model_take(uint64_t i) {
  int64_t number = model[i];
  model_size--;
  memmove(&model[i], &model[i + 1], (model_size - i) * sizeof(model[0]));
  return number;
}

/* Odd numbers are kept as text, so that there are nodes too. */
static struct mc_value value_of(int64_t number) {
  static char digits[24];
  if (number % 2 == 0)
    return integer(number);
  snprintf(digits, sizeof(digits), "%lld", (long long)number);
  return text(digits);
}

static int64_t number_of(const struct mc_batch *batch, size_t i) {
  const struct mc_item *item = mc_batch_item(batch, i);
  if (item->form == MC_INTEGER)
    return item->integer;
  char digits[24] = {0};
  assert_int_equal(item->form, TEXT);
  memcpy(digits, batch->bytes.data + item->at, item->length);
  return strtoll(digits, NULL, 10);
}

static void check_against_model(mc_ref list) {
  assert_int_equal(mc_list_size(list), model_size);
  struct mc_batch batch = {0};
  uint64_t version;
  for (uint64_t i = 0; i < model_size;) {
    int64_t n = mc_list_slice(list, i, 1000, SIZE_MAX, &version, &batch);
    assert_true(n > 0);
    for (int64_t k = 0; k < n; k++, i++)
      assert_int_equal(number_of(&batch, (size_t)k), model[i]);
    mc_batch_empty(&batch);
  }
  assert_int_equal(mc_list_slice(list, model_size, 1000, 0, &version, &batch), 0);
  assert_int_equal(version, mc_list_version(list));
  mc_batch_free(&batch);
}

static unsigned long seed = 12345;

static uint64_t roll(uint64_t n) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (seed >> 33) % n;
}

/* `most`: about how long the list gets. */
static void step(mc_ref list, uint64_t most) {
  int64_t number = (int64_t)roll(1000000);
  struct mc_value value = value_of(number);
  struct mc_batch batch = {0};
  bool grow = model_size < most / 2 || (model_size < most && roll(2));
  uint64_t i = model_size ? roll(model_size) : 0;
  switch (roll(12)) {
  case 0:
    if (grow && most < 3000) {
      assert_int_equal(mc_list_insert(list, i, &value), 0);
      model_insert(i, number);
    }
    break;
  case 1:
    if (model_size && most < 3000) {
      assert_int_equal(mc_list_take(list, i, &batch), 1);
      assert_int_equal(number_of(&batch, 0), model_take(i));
    }
    break;
  case 2:
  case 3:
    if (!model_size)
      break;
    assert_int_equal(mc_list_set(list, i, &value), 0);
    model[i] = number;
    break;
  case 4:
  case 5:
  case 6:
  case 7:
    if (grow) {
      assert_int_equal(mc_list_append(list, &value, 1), 0);
      model_insert(model_size, number);
    } else if (model_size) {
      assert_int_equal(mc_list_pop(list, &batch), 1);
      assert_int_equal(number_of(&batch, 0), model_take(model_size - 1));
    }
    break;
  default:
    if (grow && roll(2)) {
      assert_int_equal(mc_list_append_left(list, &value), 0);
      model_insert(0, number);
    } else if (model_size) {
      assert_int_equal(mc_list_pop_left(list, &batch), 1);
      assert_int_equal(number_of(&batch, 0), model_take(0));
    }
  }
  mc_batch_free(&batch);
}

static void test_agrees_with_an_array(void **state) {
  (void)state;
  mc_ref list = new_list();
  model_size = 0;
  static const uint64_t most[] = {6, 40, 600, 1200, 2500, 10, 700, 0};
  for (size_t round = 0; round < sizeof(most) / sizeof(most[0]); round++) {
    for (int i = 0; i < 12000; i++)
      step(list, most[round]);
    check_against_model(list);
    audit_now();
  }
  mc_object_drop(list);
  assert_int_equal(in_use(), 0);
}

static void test_long_lists_agree_with_an_array(void **state) {
  (void)state;
  mc_ref list = new_list();
  model_size = 0;
  static const uint64_t most[] = {20000, 300, 30000, 8000};
  for (size_t round = 0; round < sizeof(most) / sizeof(most[0]); round++) {
    for (int i = 0; i < 60000; i++)
      step(list, most[round]);
    check_against_model(list);
    audit_now();
  }
  assert_int_equal(mc_list_clear(list), 0);
  model_size = 0;
  check_against_model(list);
  mc_object_drop(list);
  assert_int_equal(in_use(), 0);
}

static void test_works_as_a_queue_without_growing(void **state) {
  (void)state;
  for (uint64_t length = 1; length <= 10000; length *= 100) {
    mc_ref list = new_list();
    struct mc_batch batch = {0};
    struct mc_space_stats before;
    struct mc_space_stats after;
    for (uint64_t i = 0; i < length; i++)
      append_integer(list, (int64_t)i);
    for (int pass = 0; pass < 2; pass++) {
      mc_space_stats(pass ? &after : &before);
      for (uint64_t i = 0; i < 50000; i++) {
        append_integer(list, (int64_t)i);
        assert_int_equal(mc_list_pop_left(list, &batch), 1);
        mc_batch_empty(&batch);
      }
    }
    assert_int_equal(mc_list_size(list), length);
    assert_true(after.in_use <= before.in_use + 65536);
    mc_batch_free(&batch);
    mc_object_drop(list);
  }
  audit_now();
  assert_int_equal(in_use(), 0);
}

static void test_extends_all_or_nothing(void **state) {
  (void)state;
  mc_ref list = new_list();
  enum { N = 30000 };
  struct mc_value *values = calloc(N, sizeof(*values));
  for (size_t i = 0; i < N; i++)
    values[i] =
        i % 3 ? integer((int64_t)i) : text("a text that needs a block of its own");
  uint64_t size = 0;
  int rc = 0;
  size_t n = 1;
  while ((rc = mc_list_append(list, values, n)) == 0) {
    size += n;
    n = n * 2 < N ? n * 2 : N;
    assert_int_equal(mc_list_size(list), size);
  }
  assert_int_equal(rc, MC_NOMEM);
  assert_int_equal(mc_list_size(list), size);
  audit_now();
  for (n = N; n > 0; n /= 2) {
    while ((rc = mc_list_append(list, values, n)) == 0)
      size += n;
    assert_int_equal(rc, MC_NOMEM);
    assert_int_equal(mc_list_size(list), size);
  }
  audit_now();
  /* Full as it is, what needs no memory works, and what needs some changes nothing. */
  assert_int_equal(mc_list_reverse(list), MC_NOMEM);
  assert_int_equal(mc_list_insert(list, 1, &values[1]), MC_NOMEM);
  struct mc_batch batch = {0};
  assert_int_equal(mc_list_take(list, size / 2, &batch), MC_NOMEM);
  assert_int_equal(mc_batch_count(&batch), 0);
  assert_int_equal(mc_list_size(list), size);
  assert_int_equal(mc_list_pop(list, &batch), 1);
  assert_int_equal(mc_list_size(list), size - 1);
  audit_now();
  mc_batch_free(&batch);
  free(values);
  mc_object_drop(list);
  assert_int_equal(in_use(), 0);
}

static void test_finds_counts_and_removes(void **state) {
  (void)state;
  mc_ref list = new_list();
  mc_ref inner = new_dict();
  struct mc_value values[] = {integer(1),     text("a"), floating(1.0),
                              handle(&inner), text("a"), integer(1)};
  mc_list_append(list, values, 6);
  uint64_t i = 0;
  struct mc_value one = floating(1.0);
  assert_int_equal(mc_list_find(list, &one, &i), 1);
  assert_int_equal(i, 0);
  i = 1;
  assert_int_equal(mc_list_find(list, &one, &i), 1);
  assert_int_equal(i, 2);
  assert_int_equal(mc_list_count(list, &one), 3);
  assert_int_equal(mc_list_count(list, &values[1]), 2);
  i = 0;
  assert_int_equal(mc_list_find(list, &values[3], &i), 1);
  assert_int_equal(i, 3);
  mc_ref other = new_dict();
  struct mc_value stranger = handle(&other);
  i = 0;
  assert_int_equal(mc_list_find(list, &stranger, &i), 0);
  assert_int_equal(mc_list_remove(list, &stranger), 0);
  assert_int_equal(mc_list_remove(list, &values[3]), 1);
  assert_int_equal(mc_list_remove(list, &values[1]), 1);
  assert_int_equal(mc_list_remove(list, &one), 1);
  assert_int_equal(mc_list_size(list), 3);
  assert_int_equal(mc_list_count(list, &values[1]), 1);
  mc_object_drop(inner);
  assert_int_equal(mc_object_kind(inner), MC_KIND_NONE);
  mc_object_drop(other);
  mc_object_drop(list);
  audit_now();
  assert_int_equal(in_use(), 0);
}

static void test_reverses_and_permutes(void **state) {
  (void)state;
  static const uint64_t sizes[] = {0, 1, 2, 7, 300, 5000};
  for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
    uint64_t n = sizes[s];
    mc_ref list = new_list();
    uint64_t *order = calloc(n + 1, sizeof(*order));
    for (uint64_t i = 0; i < n; i++) {
      struct mc_value value = value_of((int64_t)i);
      mc_list_append(list, &value, 1);
      order[i] = (i + 1) % n;
    }
    assert_int_equal(mc_list_reverse(list), 0);
    uint64_t version = mc_list_version(list);
    assert_int_equal(mc_list_permute(list, version + 1, order, n), MC_CHANGED);
    assert_int_equal(mc_list_permute(list, version, order, n + 1), MC_CHANGED);
    assert_int_equal(mc_list_permute(list, version, order, n), 0);
    model_size = n;
    for (uint64_t i = 0; i < n; i++)
      model[i] = (int64_t)(n - 1 - order[i]);
    check_against_model(list);
    audit_now();
    free(order);
    mc_object_drop(list);
  }
  assert_int_equal(in_use(), 0);
}

static void test_counts_up_and_compares(void **state) {
  (void)state;
  mc_ref list = new_list();
  struct mc_value values[] = {integer(1), text("x")};
  struct mc_value by = integer(4);
  struct mc_value result;
  mc_list_append(list, values, 2);
  assert_int_equal(mc_list_increment(list, 0, &by, &result), 0);
  assert_int_equal(result.integer, 5);
  assert_int_equal(list_integer(list, 0), 5);
  by = floating(0.5);
  assert_int_equal(mc_list_increment(list, 0, &by, &result), 0);
  assert_true(result.form == MC_FLOAT && result.number == 5.5);
  assert_int_equal(mc_list_increment(list, 1, &by, &result), MC_NOTNUMBER);
  assert_int_equal(mc_list_increment(list, 2, &by, &result), MC_RANGE);
  struct mc_value y = text("y");
  assert_int_equal(mc_list_compare_set(list, 1, &y, &by), 0);
  assert_int_equal(mc_list_compare_set(list, 1, &values[1], &y), 1);
  assert_int_equal(mc_list_compare_set(list, 2, &y, &y), MC_RANGE);
  struct mc_value none = nothing();
  assert_int_equal(mc_list_compare_set(list, 1, &y, &none), 1);
  assert_int_equal(mc_list_compare_set(list, 1, &none, &y), 1);
  mc_object_drop(list);
  mc_ref value;
  assert_int_equal(mc_value_create(&values[1], &value), 0);
  assert_int_equal(mc_object_kind(value), MC_KIND_VALUE);
  assert_int_equal(mc_list_size(value), 1);
  mc_object_drop(value);
  assert_int_equal(in_use(), 0);
}

static void test_keeps_objects_alive(void **state) {
  (void)state;
  mc_ref list = new_list();
  mc_ref inner = new_list();
  struct mc_value value = handle(&inner);
  mc_list_append(list, &value, 1);
  mc_object_drop(inner);
  audit_now();
  struct mc_batch batch = {0};
  assert_int_equal(mc_list_pop_left(list, &batch), 1);
  assert_int_equal(mc_object_kind(inner), MC_KIND_LIST);
  mc_batch_empty(&batch);
  assert_int_equal(mc_object_kind(inner), MC_KIND_NONE);
  mc_batch_free(&batch);
  mc_object_drop(list);
  assert_int_equal(in_use(), 0);
}

/* -- arrays
 * ---------------------------------------------------------------------------------- */

static void test_arrays_have_elements_of_a_kind(void **state) {
  (void)state;
  for (int kind = MC_I8; kind <= MC_F64; kind++) {
    mc_ref array;
    assert_int_equal(mc_array_create((enum mc_array_kind)kind, 100, &array), 0);
    assert_int_equal(mc_object_kind(array), MC_KIND_ARRAY);
    assert_int_equal(mc_array_size(array), 100);
    assert_int_equal(mc_array_kind(array), kind);
    uint64_t element = 0;
    struct mc_value value = integer(100);
    assert_true(mc_array_store((enum mc_array_kind)kind, &element, &value));
    assert_int_equal(mc_array_write(array, 99, 1, &element), 0);
    struct mc_value by = integer(20);
    struct mc_value result;
    assert_int_equal(mc_array_increment(array, 99, &by, &result), 0);
    element = 0;
    assert_int_equal(mc_array_read(array, 99, 1, &element), 0);
    mc_array_load((enum mc_array_kind)kind, &element, &value);
    if (kind >= MC_F32)
      assert_true(value.number == 120.0 && result.number == 120.0);
    else
      assert_true(value.integer == 120 && result.integer == 120);
    assert_int_equal(mc_array_read(array, 0, 1, &element), 0);
    assert_int_equal(mc_array_write(array, 100, 1, &element), MC_RANGE);
    assert_int_equal(mc_array_read(array, 50, 51, NULL), MC_RANGE);
    assert_int_equal(mc_array_increment(array, 100, &by, &result), MC_RANGE);
    mc_object_drop(array);
  }
  assert_int_equal(in_use(), 0);
}

static void test_arrays_refuse_what_does_not_fit(void **state) {
  (void)state;
  int8_t element = 1;
  struct mc_value value = integer(128);
  assert_false(mc_array_store(MC_I8, &element, &value));
  value = integer(-1);
  assert_false(mc_array_store(MC_U32, &element, &value));
  value = floating(1.5);
  assert_false(mc_array_store(MC_I8, &element, &value));
  value = floating((double)INFINITY);
  assert_false(mc_array_store(MC_I8, &element, &value));
  assert_int_equal(element, 1);
  value = floating(-2.0);
  assert_true(mc_array_store(MC_I8, &element, &value));
  assert_int_equal(element, -2);
  mc_ref array;
  assert_int_equal(mc_array_create(MC_I8, 1, &array), 0);
  struct mc_value result;
  value = integer(127);
  assert_int_equal(mc_array_increment(array, 0, &value, &result), 0);
  value = integer(1);
  assert_int_equal(mc_array_increment(array, 0, &value, &result), MC_RANGE);
  assert_int_equal(mc_array_read(array, 0, 1, &element), 0);
  assert_int_equal(element, 127);
  mc_object_drop(array);
  assert_int_equal(mc_array_create(MC_F64, UINT64_MAX / 4, &array), MC_TOOBIG);
  assert_int_equal(mc_array_create(MC_F64, 100 * MIB, &array), MC_TOOBIG);
  audit_now();
  assert_int_equal(in_use(), 0);
}

static void test_arrays_read_and_write_slices(void **state) {
  (void)state;
  mc_ref array;
  enum { N = 200000 };
  double *numbers = calloc(N, sizeof(*numbers));
  double *copy = calloc(N, sizeof(*copy));
  assert_int_equal(mc_array_create(MC_F64, N, &array), 0);
  for (size_t i = 0; i < N; i++)
    numbers[i] = (double)i / 3;
  assert_int_equal(mc_array_write(array, 0, N, numbers), 0);
  assert_int_equal(mc_array_write(array, 10, 3, numbers + 100), 0);
  assert_int_equal(mc_array_write(array, 10, 0, NULL), 0);
  assert_int_equal(mc_array_read(array, 0, N, copy), 0);
  memcpy(numbers + 10, numbers + 100, 3 * sizeof(*numbers));
  assert_memory_equal(copy, numbers, N * sizeof(*numbers));
  audit_now();
  free(numbers);
  free(copy);
  mc_object_drop(array);
  mc_ref empty;
  assert_int_equal(mc_array_create(MC_F64, 0, &empty), 0);
  mc_object_drop(empty);
  audit_now();
  assert_int_equal(in_use(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, small_space, close_space)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_appends_gets_and_sets),
      TEST(test_agrees_with_an_array),
      TEST(test_long_lists_agree_with_an_array),
      TEST(test_works_as_a_queue_without_growing),
      TEST(test_extends_all_or_nothing),
      TEST(test_finds_counts_and_removes),
      TEST(test_reverses_and_permutes),
      TEST(test_counts_up_and_compares),
      TEST(test_keeps_objects_alive),
      TEST(test_arrays_have_elements_of_a_kind),
      TEST(test_arrays_refuse_what_does_not_fit),
      TEST(test_arrays_read_and_write_slices),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
