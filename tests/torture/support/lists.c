/* Victims that write to a list, and to an array. */
#include "torture/support/tables.h"

#include "share/array.h"
#include "share/list.h"
#include "share/list_layout.h"
#include "share/object.h"

#include <string.h>

#define MODEST_SPACE ((uint64_t)4 << 20)
#define EXTRA        5   /* elements of an extend */
#define NUMBERS      100 /* of an array */
#define SLICE        80

static const int64_t fresh = 10001; /* kept as text */

static void insert_after(uint64_t at, int64_t value) {
  memmove(&after.value[at + 1], &after.value[at], (after.n - at) * sizeof(int64_t));
  after.value[at] = value;
  after.n++;
}

static void remove_after(uint64_t at) {
  after.n--;
  memmove(&after.value[at], &after.value[at + 1], (after.n - at) * sizeof(int64_t));
}

static void fill(uint64_t n) {
  setup_list();
  list_fill(n);
}

/* -- at the end
 * ---------------------------------------------------------------------------------- */

static void setup_append_to(uint64_t n) {
  fill(n);
  insert_after(n, fresh);
}

static void setup_first(void) {
  setup_append_to(0);
}

static void setup_append(void) {
  setup_append_to(5);
}

static void setup_append_grow(void) {
  fill(0);
  const struct mc_list *list = mc_at(the_table);
  uint64_t n = 0;
  do {
    list_fill(1); /* element 0 again */
    n++;
  } while (list->size < list->capacity);
  for (uint64_t i = 0; i < n; i++)
    before.value[i] = after.value[i] = before.value[0];
  before.n = after.n = n;
  insert_after(n, fresh);
}

static void setup_append_chunks(void) {
  setup_append_to(MC_LIST_SHORT);
}

static void setup_append_chunk(void) {
  setup_append_to(MC_CHUNK);
}

static void setup_append_directory(void) {
  setup_append_to(7 * MC_CHUNK);
}

static void append(int64_t number) {
  struct mc_value value = table_value(number);
  int rc = mc_list_append(the_table, &value, 1);
  if (rc != 0)
    fail("an append gave %d", rc);
}

static void op_append(void) {
  append(fresh);
}

static void setup_append_number(void) {
  fill(5);
  insert_after(5, 10000);
}

static void op_append_number(void) {
  append(10000);
}

static void setup_append_left(void) {
  fill(5);
  insert_after(0, fresh);
}

static void setup_append_left_chunk(void) {
  fill(600);
  insert_after(0, fresh);
}

static void op_append_left(void) {
  struct mc_value value = table_value(fresh);
  int rc = mc_list_append_left(the_table, &value);
  if (rc != 0)
    fail("an append gave %d", rc);
}

static void setup_extend(void) {
  fill(5);
  for (int64_t i = 0; i < EXTRA; i++)
    insert_after(after.n, fresh + i);
}

static void op_extend(void) {
  static char texts[EXTRA][24];
  struct mc_value values[EXTRA];
  for (int64_t i = 0; i < EXTRA; i++) {
    values[i] = table_value(fresh + i);
    if (values[i].form == MC_BYTES)
      values[i].message.bytes = strcpy(texts[i], values[i].message.bytes);
  }
  int rc = mc_list_append(the_table, values, EXTRA);
  if (rc != 0)
    fail("an extend gave %d", rc);
}

static void setup_pop(void) {
  fill(7); /* the last one is text */
  remove_after(6);
}

static void setup_pop_last(void) {
  fill(1);
  remove_after(0);
}

static void setup_pop_chunk(void) {
  fill(MC_CHUNK + 1);
  remove_after(MC_CHUNK);
}

static void setup_pop_to_short(void) {
  fill(600);
  struct mc_batch batch = {0};
  while (mc_list_size(the_table) > MC_LIST_SHORT / 4)
    mc_list_pop(the_table, &batch);
  mc_batch_free(&batch);
  before.n = after.n = MC_LIST_SHORT / 4;
  remove_after(after.n - 1);
}

static void op_pop(void) {
  struct mc_batch batch = {0};
  mc_list_pop(the_table, &batch);
}

static void setup_pop_left(void) {
  fill(7);
  remove_after(0);
}

static void setup_pop_left_chunk(void) {
  fill(2 * MC_CHUNK);
  struct mc_batch batch = {0};
  for (uint64_t i = 0; i < MC_CHUNK - 1; i++) {
    mc_list_pop_left(the_table, &batch);
    memmove(before.value, before.value + 1, --before.n * sizeof(int64_t));
  }
  mc_batch_free(&batch);
  after = before;
  remove_after(0);
}

static void op_pop_left(void) {
  struct mc_batch batch = {0};
  mc_list_pop_left(the_table, &batch);
}

/* -- inside
 * --------------------------------------------------------------------------------------
 */

static void setup_insert(void) {
  fill(7);
  insert_after(3, fresh);
}

static void op_insert(void) {
  struct mc_value value = table_value(fresh);
  int rc = mc_list_insert(the_table, 3, &value);
  if (rc != 0)
    fail("an insert gave %d", rc);
}

static void setup_insert_chunks(void) {
  fill(1200);
  insert_after(3, fresh);
}

static void setup_take(void) {
  fill(7);
  remove_after(3);
}

static void op_take(void) {
  struct mc_batch batch = {0};
  mc_list_take(the_table, 3, &batch);
}

static void op_remove(void) {
  struct mc_value value = table_value(before.value[3]);
  mc_list_remove(the_table, &value);
}

static void setup_set(void) {
  fill(7);
  after.value[3] = fresh;
}

static void op_set(void) {
  struct mc_value value = table_value(after.value[3]);
  mc_list_set(the_table, 3, &value);
}

static void setup_set_number(void) {
  fill(7);
  after.value[3] = 10000;
}

static void setup_set_number_over(void) {
  fill(7);
  after.value[4] = 10000;
}

static void op_set_number_over(void) {
  struct mc_value value = table_value(10000);
  mc_list_set(the_table, 4, &value);
}

static void setup_increment(void) {
  fill(7);
  after.value[4] += 10;
}

static void op_increment(void) {
  struct mc_value by = {.form = MC_INTEGER, .integer = 10};
  struct mc_value result;
  mc_list_increment(the_table, 4, &by, &result);
}

static void op_increment_float(void) {
  struct mc_value by = {.form = MC_FLOAT, .number = 10.0};
  struct mc_value result;
  mc_list_increment(the_table, 4, &by, &result);
}

static void reverse_after(void) {
  for (uint64_t i = 0; i < after.n; i++)
    after.value[i] = before.value[before.n - 1 - i];
}

static void setup_reverse(void) {
  fill(40);
  reverse_after();
}

static void setup_reverse_chunks(void) {
  fill(1200);
  reverse_after();
}

static void op_reverse(void) {
  mc_list_reverse(the_table);
}

/* The order of a sort that makes what was the last the first. */
static void op_sort(void) {
  uint64_t order[40];
  for (uint64_t i = 0; i < 40; i++)
    order[i] = 39 - i;
  mc_list_permute(the_table, mc_list_version(the_table), order, 40);
}

static void setup_clear(void) {
  fill(40);
  after.n = 0;
}

static void setup_clear_chunks(void) {
  fill(1200);
  after.n = 0;
}

static void op_clear(void) {
  mc_list_clear(the_table);
}

static void setup_twenty(void) {
  fill(20);
}

static void op_make_drop(void) {
  mc_ref inner;
  mc_ref value;
  struct mc_value text = table_value(fresh);
  if (mc_list_create(&inner) != 0 || mc_list_append(inner, &text, 1) != 0 ||
      mc_value_create(&text, &value) != 0)
    fail("no list");
  struct mc_value handle = {.form = MC_BYTES + 1,
                            .message = {.handles = &inner, .n_handles = 1}};
  mc_list_set(value, 0, &handle);
  mc_object_drop(inner);
  mc_object_drop(value);
}

/* -- an array, of which the middle is written: too much for a single store
 * ------------------------ */

static mc_ref array;

static void setup_array(void) {
  setup_list();
  if (mc_array_create(MC_I64, NUMBERS, &array) != 0)
    fail("no array");
}

/* So that the blocks are in the magazines. */
static void warm_array(void) {
  mc_ref other;
  int64_t numbers[4] = {0};
  if (mc_array_create(MC_I64, 8, &other) != 0 ||
      mc_array_write(other, 0, 4, numbers) != 0)
    fail("no array");
  mc_object_drop(other);
}

static void op_array(void) {
  int64_t numbers[SLICE];
  for (int64_t i = 0; i < SLICE; i++)
    numbers[i] = i + 1;
  if (mc_array_write(array, 2, SLICE, numbers) != 0)
    fail("no slice");
}

static void op_array_make(void) {
  mc_ref other;
  if (mc_array_create(MC_F64, 5000, &other) != 0)
    fail("no array");
  mc_object_drop(other);
}

static void check_array(void) {
  int64_t numbers[NUMBERS];
  mc_array_read(array, 0, NUMBERS, numbers);
  bool written = numbers[2] != 0;
  if (ledger->done[0] && !written)
    fail("the slice was written, and is not there");
  for (int64_t i = 0; i < NUMBERS; i++)
    if (numbers[i] != (written && i >= 2 && i < 2 + SLICE ? i - 1 : 0))
      fail("the array is neither what it was nor what it should be");
  mc_object_drop(array);
  check_list();
}

static void check_no_array(void) {
  mc_object_drop(array);
  check_list();
}

#define SCENARIO(name, setup, op)                                                        \
  { name, MODEST_SPACE, setup, {NULL, op, false}, check_list, {0}, 0, NULL, 0 }

/* What may be done twice. */
const struct scenario list_scenarios[] = {
    SCENARIO("set, text over text", setup_set, op_set),
    SCENARIO("set, number over text", setup_set_number, op_set),
    SCENARIO("set, number over number", setup_set_number_over, op_set_number_over),
    SCENARIO("clear", setup_clear, op_clear),
    SCENARIO("clear, chunks", setup_clear_chunks, op_clear),
    SCENARIO("remove", setup_take, op_remove),
    SCENARIO("make and drop lists", setup_twenty, op_make_drop),
    {"write a slice of an array",
     MODEST_SPACE,
     setup_array,
     {warm_array, op_array, false},
     check_array,
     {0},
     0,
     NULL,
     0},
    {"make and drop an array",
     MODEST_SPACE,
     setup_array,
     {NULL, op_array_make, false},
     check_no_array,
     {0},
     0,
     NULL,
     0},
};
const size_t n_list_scenarios = sizeof(list_scenarios) / sizeof(*list_scenarios);

const struct scenario list_once_scenarios[] = {
    SCENARIO("append, the first", setup_first, op_append),
    SCENARIO("append", setup_append, op_append),
    SCENARIO("append a number", setup_append_number, op_append_number),
    SCENARIO("append, cells grow", setup_append_grow, op_append),
    SCENARIO("append, cells become chunks", setup_append_chunks, op_append),
    SCENARIO("append, another chunk", setup_append_chunk, op_append),
    SCENARIO("append, the directory grows", setup_append_directory, op_append),
    SCENARIO("append at the left", setup_append_left, op_append_left),
    SCENARIO("append at the left, another chunk", setup_append_left_chunk,
             op_append_left),
    SCENARIO("extend", setup_extend, op_extend),
    SCENARIO("pop", setup_pop, op_pop),
    SCENARIO("pop, the last", setup_pop_last, op_pop),
    SCENARIO("pop, a chunk is empty", setup_pop_chunk, op_pop),
    SCENARIO("pop, chunks become cells", setup_pop_to_short, op_pop),
    SCENARIO("pop at the left", setup_pop_left, op_pop_left),
    SCENARIO("pop at the left, a chunk is empty", setup_pop_left_chunk, op_pop_left),
    SCENARIO("insert", setup_insert, op_insert),
    SCENARIO("insert, chunks", setup_insert_chunks, op_insert),
    SCENARIO("take out", setup_take, op_take),
    SCENARIO("increment", setup_increment, op_increment),
    SCENARIO("increment, a float", setup_increment, op_increment_float),
    SCENARIO("reverse", setup_reverse, op_reverse),
    SCENARIO("reverse, chunks", setup_reverse_chunks, op_reverse),
    SCENARIO("sort", setup_reverse, op_sort),
};
const size_t n_list_once_scenarios =
    sizeof(list_once_scenarios) / sizeof(*list_once_scenarios);
