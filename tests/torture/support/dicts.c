/* Victims that write to a dict. */
#include "torture/support/tables.h"

#include "base/error.h"
#include "share/cache.h"
#include "share/dict.h"
#include "share/dict_layout.h"
#include "share/object.h"

#include <string.h>

#define SMALL_SPACE  ((uint64_t)1 << 20)
#define MODEST_SPACE ((uint64_t)4 << 20)
#define FULL_SLOTS   1532 /* nodes that the largest slots block takes */
#define MANY         10   /* keys of an update */

static uint64_t victim_key;
static mc_ref inner;

static struct mc_key key_of(const uint64_t *number) {
  return (struct mc_key){number, sizeof(*number), 1};
}

/* The key of the operation, and what it is there afterwards. */
static void expect(uint64_t key, int64_t value) {
  victim_key = key;
  while (before.n <= key) {
    before.value[before.n++] = ABSENT;
    after.value[after.n++] = ABSENT;
  }
  after.value[key] = value;
}

static void setup_fill(uint64_t n, uint64_t key, int64_t value) {
  setup_dict();
  dict_fill(n);
  expect(key, value);
}

static void setup_empty(void) {
  setup_fill(0, 0, 7);
}

static void setup_insert(void) {
  setup_fill(3, 3, 7);
}

static void setup_resize(void) {
  setup_fill(5, 5, 8);
}

static void setup_stripes(void) {
  setup_fill(140, 140, 7);
}

static void setup_met(void) {
  setup_fill(20, 20, 7);
  ((struct mc_dict *)mc_at(the_table))->met = MC_DICT_MET;
}

static void setup_in_stripe(void) {
  setup_fill(200, 200, 7);
}

static void setup_text_text(void) {
  setup_fill(3, 0, 9);
}

static void setup_text_number(void) {
  setup_fill(3, 0, 10);
}

static void setup_number_text(void) {
  setup_fill(3, 1, 9);
}

static void setup_number_number(void) {
  setup_fill(3, 1, 10);
}

static const struct mc_slots *slots_of(uint64_t number, mc_ref *other) {
  struct mc_key key = key_of(&number);
  uint64_t hash = mc_key_hash(&key);
  uint32_t tag = mc_hash_tag(hash);
  const struct mc_dict *dict = mc_at(the_table);
  const struct mc_stripe *stripe =
      dict->stripes ? mc_stripe(dict->stripes, mc_hash_stripe(hash)) : &dict->stripe;
  mc_ref ref = mc_stripe_slots(stripe, tag);
  uint32_t depth = ref ? mc_slots(ref)->depth : 0;
  *other = depth ? mc_stripe_slots(stripe, tag ^ (uint32_t)1 << (32 - depth)) : 0;
  return ref ? mc_slots(ref) : NULL;
}

/* All of them in one stripe, or there would have to be very many; numbers alone. */
static void add_number(uint64_t i) {
  struct mc_key key = key_of(&i);
  struct mc_value value = {.form = MC_INTEGER, .integer = (int64_t)i};
  bool wanted = mc_hash_stripe(mc_key_hash(&key)) == 0;
  if (wanted && mc_dict_set(the_table, &key, &value) != 0)
    fail("no entry %lu", i);
  before.value[i] = after.value[i] = wanted ? (int64_t)i : ABSENT;
  before.n = after.n = i + 1;
}

static bool in_full_slots(uint64_t i) {
  mc_ref other;
  struct mc_key key = key_of(&i);
  const struct mc_slots *slots = slots_of(i, &other);
  return slots && slots->used >= FULL_SLOTS && mc_hash_stripe(mc_key_hash(&key)) == 0;
}

/* The next key goes to slots that are full and can only be split. */
static void setup_split(void) {
  setup_dict();
  uint64_t i = 0;
  while (!in_full_slots(i))
    add_number(i++);
  expect(i, 7);
}

/* When that key goes, its slots are joined with their neighbours. */
static void setup_merge(void) {
  setup_dict();
  struct mc_value nothing = {.form = MC_NOTHING};
  mc_ref other;
  for (uint64_t i = 0; i < MODEL; i++)
    add_number(i);
  for (uint64_t i = 0; i < MODEL; i++) {
    if (before.value[i] == ABSENT)
      continue;
    const struct mc_slots *slots = slots_of(i, &other);
    if (other && slots->count == 256 && mc_slots(other)->count <= 255) {
      expect(i, ABSENT);
      return;
    }
    struct mc_key key = key_of(&i);
    mc_dict_set(the_table, &key, &nothing);
    before.value[i] = after.value[i] = ABSENT;
  }
  fail("nothing to join");
}

static void setup_remove(void) {
  setup_fill(3, 0, ABSENT);
}

static void setup_remove_last(void) {
  setup_fill(1, 0, ABSENT);
}

/* 23 entries in slots for 186. */
static void setup_remove_resize(void) {
  setup_dict();
  dict_fill(100);
  struct mc_value nothing = {.form = MC_NOTHING};
  for (uint64_t i = 23; i < 100; i++) {
    struct mc_key key = key_of(&i);
    mc_dict_set(the_table, &key, &nothing);
    before.value[i] = after.value[i] = ABSENT;
  }
  expect(0, ABSENT);
}

/* Entry 0 is the only reference to a dict with an entry. */
static void setup_handle(void) {
  setup_dict();
  dict_fill(3);
  uint64_t zero = 0;
  struct mc_key key = key_of(&zero);
  struct mc_value value = {.form = MC_BYTES,
                           .message = {.handles = &inner, .n_handles = 1}};
  struct mc_value text = table_value(5);
  if (mc_dict_create(&inner) != 0 || mc_dict_set(inner, &key, &text) != 0 ||
      mc_dict_set(the_table, &key, &value) != 0)
    fail("no inner dict");
  mc_object_drop(inner);
  before.value[0] = after.value[0] = -1;
}

static void setup_handle_overwritten(void) {
  setup_handle();
  expect(0, 7);
}

static void setup_handle_popped(void) {
  setup_handle();
  expect(0, ABSENT);
}

static void setup_handle_read(void) {
  setup_handle();
}

static void setup_handle_put(void) {
  setup_fill(3, 0, -1);
}

static void setup_incr(void) {
  setup_fill(3, 1, 12);
}

static void setup_incr_new(void) {
  setup_fill(3, 3, 10);
}

/* Half of the keys are there, and so many that stripes come into being on the way. */
static void setup_update(void) {
  setup_dict();
  dict_fill(137);
  for (uint64_t i = 0; i < MANY; i++)
    expect(132 + i, (int64_t)(1000 + i));
}

/* How many messages of that length the fillers' queue took. */
static unsigned add_fillers(size_t length, unsigned most) {
  static const char bytes[20000];
  struct mc_message message = {.bytes = bytes, .length = length};
  unsigned n = 0;
  while (n < most && mc_queue_try_put(inner, &message, 1) == 1)
    n++;
  return n;
}

/* Memory for the nodes of an update, but not for the slots that it needs after some of
 * its entries. */
static void setup_update_full(void) {
  static const size_t lengths[] = {20000, 6000, 2500, 1200, 600, 250, 100, 30};
  const struct mc_queue_options options = {0, MC_RETURN};
  setup_dict();
  dict_fill(10);
  for (uint64_t i = 0; i < MANY; i++)
    expect(132 + i, ABSENT);
  if (mc_queue_create(&options, &inner) != 0)
    fail("no queue of fillers");
  add_fillers(30, MANY + 2);
  for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
    add_fillers(lengths[i], UINT32_MAX);
  /* The first ones give way. */
  struct mc_lease leases[MANY + 2];
  if (mc_queue_try_take(inner, leases, MANY + 2) != MANY + 2)
    fail("no fillers");
  for (unsigned i = 0; i < MANY + 2; i++)
    mc_lease_settle(&leases[i]);
  mc_cache_flush_all();
}

static void setup_clear(void) {
  setup_dict();
  dict_fill(200);
  for (uint64_t i = 0; i < 200; i++)
    after.value[i] = ABSENT;
}

static void setup_twenty(void) {
  setup_dict();
  dict_fill(20);
}

static void setup_striped(void) {
  setup_dict();
  dict_fill(200);
}

/* -- operations
 * ----------------------------------------------------------------------------- */

static void must(int rc, int expected) {
  if (rc != expected)
    fail("the operation gave %d, not %d", rc, expected);
}

static void op_set(void) {
  struct mc_key key = key_of(&victim_key);
  struct mc_value value = table_value(after.value[victim_key]);
  if (after.value[victim_key] == ABSENT)
    value.form = MC_NOTHING;
  must(mc_dict_set(the_table, &key, &value), 0);
}

/* So that its blocks are in the magazines. */
static void warm_set(void) {
  mc_ref dict;
  struct mc_key key = key_of(&victim_key);
  struct mc_value value = table_value(7);
  must(mc_dict_create(&dict), 0);
  must(mc_dict_set(dict, &key, &value), 0);
  mc_object_drop(dict);
}

static void op_pop(void) {
  struct mc_batch batch = {0};
  struct mc_key key = key_of(&victim_key);
  mc_dict_pop(the_table, &key, &batch);
  mc_batch_empty(&batch);
}

static void op_get(void) {
  struct mc_batch batch = {0};
  struct mc_key key = key_of(&victim_key);
  must(mc_dict_get(the_table, &key, &batch), 1);
  mc_batch_empty(&batch);
}

static void op_put_handle(void) {
  struct mc_key key = key_of(&victim_key);
  struct mc_value value = {.form = MC_BYTES,
                           .message = {.handles = &inner, .n_handles = 1}};
  must(mc_dict_create(&inner), 0);
  must(mc_dict_set(the_table, &key, &value), 0);
  mc_object_drop(inner);
}

static void op_incr(void) {
  struct mc_key key = key_of(&victim_key);
  struct mc_value by = {.form = MC_INTEGER, .integer = 10};
  struct mc_value none = {.form = MC_INTEGER, .integer = 0};
  struct mc_value result;
  must(mc_dict_increment(the_table, &key, &by, &none, &result), 0);
}

static void op_incr_float(void) {
  struct mc_key key = key_of(&victim_key);
  struct mc_value by = {.form = MC_FLOAT, .number = 10.0};
  struct mc_value result;
  must(mc_dict_increment(the_table, &key, &by, &by, &result), 0);
}

static void op_modify(void) {
  struct mc_batch batch = {0};
  struct mc_key key = key_of(&victim_key);
  mc_dict_turn_take(the_table);
  must(mc_dict_get(the_table, &key, &batch), 1);
  struct mc_value value = table_value(after.value[victim_key]);
  must(mc_dict_version_set(the_table, &key, mc_batch_item(&batch, 0)->version, &value),
       1);
  mc_dict_turn_end(the_table);
  mc_batch_empty(&batch);
}

static void update(int expected) {
  static char texts[MANY][24];
  uint64_t numbers[MANY];
  struct mc_key keys[MANY];
  struct mc_value values[MANY];
  for (uint64_t i = 0; i < MANY; i++) {
    numbers[i] = 132 + i;
    keys[i] = key_of(&numbers[i]);
    values[i] = table_value((int64_t)(1000 + i));
    if (values[i].form == MC_BYTES)
      values[i].message.bytes = strcpy(texts[i], values[i].message.bytes);
  }
  must(mc_dict_update(the_table, keys, values, MANY), expected);
}

static void op_update(void) {
  update(0);
}

static void op_update_full(void) {
  update(MC_NOMEM);
}

static void op_clear(void) {
  must(mc_dict_clear(the_table), 0);
}

static void op_size(void) {
  mc_dict_size(the_table);
}

static void op_walk(void) {
  struct mc_batch batch = {0};
  uint64_t cursor = 0;
  while (mc_dict_next(the_table, &cursor, 100, &batch) > 0)
    mc_batch_empty(&batch);
}

/* One of its own, with content. */
static void op_make_drop(void) {
  mc_ref dict;
  must(mc_dict_create(&dict), 0);
  for (uint64_t i = 0; i < 3; i++) {
    struct mc_key key = key_of(&i);
    struct mc_value value = table_value((int64_t)i);
    must(mc_dict_set(dict, &key, &value), 0);
  }
  mc_object_drop(dict);
}

static void op_drop_large(void) {
  mc_ref dict;
  must(mc_dict_create(&dict), 0);
  for (uint64_t i = 0; i < 145; i++) {
    struct mc_key key = key_of(&i);
    struct mc_value value = {.form = MC_INTEGER};
    must(mc_dict_set(dict, &key, &value), 0);
  }
  mc_object_drop(dict);
}

static void check_full(void) {
  mc_object_drop(inner);
  check_dict();
}

#define SCENARIO(name, setup, warm, op)                                                  \
  { name, MODEST_SPACE, setup, {warm, op, false}, check_dict, {0}, 0, NULL, 0 }
const struct scenario dict_scenarios[] = {
    SCENARIO("set, the first", setup_empty, NULL, op_set),
    SCENARIO("set, new", setup_insert, warm_set, op_set),
    SCENARIO("set, slots grow", setup_resize, warm_set, op_set),
    SCENARIO("set, stripes are made", setup_stripes, NULL, op_set),
    SCENARIO("set, where processes have met", setup_met, NULL, op_set),
    SCENARIO("set, in a stripe", setup_in_stripe, warm_set, op_set),
    SCENARIO("set, text over text", setup_text_text, warm_set, op_set),
    SCENARIO("set, number over text", setup_text_number, warm_set, op_set),
    SCENARIO("set, text over number", setup_number_text, warm_set, op_set),
    SCENARIO("set, number over number", setup_number_number, NULL, op_set),
    SCENARIO("remove", setup_remove, NULL, op_set),
    SCENARIO("remove, the last", setup_remove_last, NULL, op_set),
    SCENARIO("remove, slots shrink", setup_remove_resize, NULL, op_set),
    SCENARIO("set over the last handle", setup_handle_overwritten, warm_set, op_set),
    SCENARIO("set a new dict", setup_handle_put, NULL, op_put_handle),
    SCENARIO("pop the last handle", setup_handle_popped, NULL, op_pop),
    SCENARIO("get a handle", setup_handle_read, NULL, op_get),
    SCENARIO("update of 10 keys", setup_update, NULL, op_update),
    {"update, the memory is full",
     SMALL_SPACE,
     setup_update_full,
     {NULL, op_update_full, false},
     check_full,
     {0},
     0,
     NULL,
     0},
    SCENARIO("size", setup_striped, NULL, op_size),
    SCENARIO("iterate", setup_twenty, NULL, op_walk),
    SCENARIO("make and drop a dict", setup_twenty, NULL, op_make_drop),
};
const size_t n_dict_scenarios = sizeof(dict_scenarios) / sizeof(*dict_scenarios);

/* Not to be done twice. */
const struct scenario dict_once_scenarios[] = {
    SCENARIO("increment", setup_incr, NULL, op_incr),
    SCENARIO("increment, new", setup_incr_new, NULL, op_incr),
    SCENARIO("increment, a float", setup_incr, NULL, op_incr_float),
    SCENARIO("modify", setup_number_text, NULL, op_modify),
};
const size_t n_dict_once_scenarios =
    sizeof(dict_once_scenarios) / sizeof(*dict_once_scenarios);

/* With many entries. */
const struct scenario dict_large_scenarios[] = {
    SCENARIO("set, slots are split", setup_split, warm_set, op_set),
    SCENARIO("remove, slots are joined", setup_merge, NULL, op_set),
    SCENARIO("clear", setup_clear, NULL, op_clear),
    SCENARIO("make and drop a large dict", setup_twenty, NULL, op_drop_large),
};
const size_t n_dict_large_scenarios =
    sizeof(dict_large_scenarios) / sizeof(*dict_large_scenarios);
