/* Shared tables between threads: nothing is lost, and nothing races. */
#include "threads/support/crew.h"

#include "base/error.h"
#include "share/array.h"
#include "share/dict.h"
#include "share/list.h"
#include "share/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 1500
#define KEYS   300

static mc_ref dict, list, array;
static uint32_t wrong; /* what a thread found amiss: cmocka's checks are for one thread */

static void note(bool right) {
  if (!right)
    __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static struct mc_key key_of(const uint64_t *number) {
  return (struct mc_key){number, sizeof(*number), 1};
}

static void count(void *data) {
  (void)data;
  struct mc_value one = {.form = MC_INTEGER, .integer = 1};
  struct mc_value zero = {.form = MC_INTEGER};
  struct mc_value result;
  for (uint64_t i = 0; i < ROUNDS; i++) {
    uint64_t number = i % KEYS;
    struct mc_key key = key_of(&number);
    note(mc_dict_increment(dict, &key, &one, &zero, &result) == 0);
    note(mc_list_increment(list, 0, &one, &result) == 0);
    note(mc_array_increment(array, i % 4, &one, &result) == 0);
  }
}

/* Entries of its own beside the counted ones, as text, as a whole and one by one. */
static void write_text(void *data) {
  uint64_t first = 1000 + *(uint64_t *)data * 10000;
  struct mc_batch batch = {0};
  uint64_t numbers[20];
  struct mc_key keys[20];
  struct mc_value values[20];
  struct mc_value nothing = {.form = MC_NOTHING};
  for (uint64_t i = 0; i < ROUNDS / 10; i++) {
    for (uint64_t k = 0; k < 20; k++) {
      numbers[k] = first + i * 20 + k;
      keys[k] = key_of(&numbers[k]);
      values[k] =
          (struct mc_value){.form = MC_BYTES, .message = {.bytes = "text", .length = 4}};
    }
    note(mc_dict_update(dict, keys, values, 20) == 0);
    note(mc_list_append(list, values, 20) == 0);
    for (uint64_t k = 0; k < 20; k++) {
      note(mc_dict_get(dict, &keys[k], &batch) == 1);
      note(mc_dict_set(dict, &keys[k], &nothing) == 0);
      note(mc_list_pop(list, &batch) == 1);
    }
    mc_batch_empty(&batch);
  }
  mc_batch_free(&batch);
}

static void walk(void *data) {
  (void)data;
  struct mc_batch batch = {0};
  for (int i = 0; i < 20; i++) {
    uint64_t cursor = 0;
    size_t counted = 0;
    while (mc_dict_next(dict, &cursor, 100, &batch) > 0) {
      for (size_t k = 0; k < mc_batch_count(&batch); k++)
        counted += mc_batch_item(&batch, k)->form == MC_INTEGER;
      mc_batch_empty(&batch);
    }
    note(counted <= KEYS + 1);
    note(mc_dict_size(dict) >= counted);
  }
  mc_batch_free(&batch);
}

static void modify(void *data) {
  (void)data;
  uint64_t number = 500;
  struct mc_key key = key_of(&number);
  struct mc_batch batch = {0};
  for (int done = 0; done < 200;) {
    mc_batch_empty(&batch);
    int found = mc_dict_get(dict, &key, &batch);
    const struct mc_item *item = found ? mc_batch_item(&batch, 0) : NULL;
    struct mc_value value = {.form = MC_INTEGER, .integer = item ? item->integer + 1 : 1};
    if (mc_dict_version_set(dict, &key, item ? item->version : 0, &value) == 1) {
      mc_dict_turn_end(dict);
      done++;
    } else {
      mc_dict_turn_take(dict);
    }
  }
  mc_batch_free(&batch);
}

static int64_t entry(uint64_t number) {
  struct mc_key key = key_of(&number);
  struct mc_batch batch = {0};
  int64_t result = -1;
  if (mc_dict_get(dict, &key, &batch) == 1)
    result = mc_batch_item(&batch, 0)->integer;
  mc_batch_free(&batch);
  return result;
}

static void test_all_at_once(void **state) {
  (void)state;
  static uint64_t numbers[CREW] = {0, 1, 2, 3};
  struct mc_value zero = {.form = MC_INTEGER};
  assert_int_equal(mc_dict_create(&dict), 0);
  assert_int_equal(mc_list_create(&list), 0);
  assert_int_equal(mc_array_create(MC_I64, 4, &array), 0);
  assert_int_equal(mc_list_append(list, &zero, 1), 0);
  for (uint64_t i = 0; i < CREW; i++) {
    crew_start(count, NULL);
    crew_start(write_text, &numbers[i]);
    crew_start(walk, NULL);
    crew_start(modify, NULL);
  }
  crew_join();
  assert_int_equal(wrong, 0);
  assert_int_equal(mc_dict_size(dict), KEYS + 1);
  for (uint64_t i = 0; i < KEYS; i++)
    assert_int_equal(entry(i), CREW * ROUNDS / KEYS);
  assert_int_equal(entry(500), CREW * 200);
  assert_int_equal(mc_list_size(list), 1);
  int64_t elements[4];
  assert_int_equal(mc_array_read(array, 0, 4, elements), 0);
  for (int i = 0; i < 4; i++)
    assert_int_equal(elements[i], CREW * ROUNDS / 4);
  mc_object_drop(dict);
  mc_object_drop(list);
  mc_object_drop(array);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_all_at_once, crew_setup, crew_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
