/* A dict in one process: every operation, its errors, growth, iteration, what it keeps
 * alive and what it gives back. */
#include "tables.h"

#include "share/dict_layout.h"

#include <math.h>
#include <sched.h>

static void test_sets_gets_and_removes(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  assert_int_equal(mc_object_kind(dict), MC_KIND_DICT);
  assert_int_equal(mc_dict_size(dict), 0);
  assert_int_equal(get_named(dict, "x"), INT64_MIN);
  assert_int_equal(set(dict, "x", integer(5)), 0);
  assert_int_equal(get_named(dict, "x"), 5);
  assert_int_equal(set(dict, "x", integer(-6)), 0);
  assert_int_equal(get_named(dict, "x"), -6);
  assert_int_equal(set(dict, "x", text("six")), 0);
  assert_named_text(dict, "x", "six");
  assert_int_equal(set(dict, "x", text("")), 0);
  assert_named_text(dict, "x", "");
  assert_int_equal(set(dict, "x", integer(7)), 0);
  assert_int_equal(get_named(dict, "x"), 7);
  assert_int_equal(mc_dict_size(dict), 1);
  assert_int_equal(set(dict, "x", nothing()), 0);
  assert_int_equal(set(dict, "x", nothing()), 0);
  struct mc_key key = key_of("x");
  assert_false(mc_dict_has(dict, &key));
  assert_int_equal(mc_dict_size(dict), 0);
  audit_now();
  mc_object_drop(dict);
  audit_now();
}

static void test_keys_of_different_kinds_differ(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  for (unsigned kind = 0; kind <= MC_KEY_KIND_MAX; kind++) {
    struct mc_key key = {"k", 1, kind};
    struct mc_value value = integer(kind);
    assert_int_equal(mc_dict_set(dict, &key, &value), 0);
  }
  assert_int_equal(mc_dict_size(dict), MC_KEY_KIND_MAX + 1);
  for (unsigned kind = 0; kind <= MC_KEY_KIND_MAX; kind++) {
    struct mc_key key = {"k", 1, kind};
    assert_int_equal(get_integer(dict, &key), kind);
  }
  struct mc_key empty = {"", 0, 0};
  struct mc_value value = text("empty");
  assert_int_equal(mc_dict_set(dict, &empty, &value), 0);
  assert_named_text(dict, "", "empty");
  mc_object_drop(dict);
}

static void test_values_of_any_size(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  unsigned char *bytes = malloc(3 * MIB);
  for (size_t i = 0; i < 3 * MIB; i++)
    bytes[i] = (unsigned char)(i * 7 >> 3);
  struct mc_batch batch = {0};
  struct mc_key key =
      key_of("a key that is a little longer than a cache line, so that it "
             "does not fit in the smallest block");
  for (size_t n = 1; n <= 3 * MIB; n = n * 3 + 1) {
    struct mc_value value = bytes_of(bytes, n);
    assert_int_equal(mc_dict_set(dict, &key, &value), 0);
    assert_int_equal(mc_dict_get(dict, &key, &batch), 1);
    assert_int_equal(mc_batch_item(&batch, 0)->length, n);
    assert_memory_equal(batch.bytes.data, bytes, n);
    mc_batch_empty(&batch);
  }
  audit_now();
  struct mc_value value = bytes_of(bytes, 64 * MIB); /* looks at nothing: it can't fit */
  assert_int_equal(mc_dict_set(dict, &key, &value), MC_TOOBIG);
  assert_int_equal(mc_dict_size(dict), 1);
  mc_batch_free(&batch);
  free(bytes);
  mc_object_drop(dict);
  audit_now();
}

static void test_counts_up(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  struct mc_key key = key_of("n");
  struct mc_value by = integer(2);
  struct mc_value init = integer(40);
  struct mc_value result;
  assert_int_equal(mc_dict_increment(dict, &key, &by, &init, &result), 0);
  assert_int_equal(result.form, MC_INTEGER);
  assert_int_equal(result.integer, 42);
  assert_int_equal(mc_dict_increment(dict, &key, &by, &init, &result), 0);
  assert_int_equal(result.integer, 44);
  by = floating(0.5);
  assert_int_equal(mc_dict_increment(dict, &key, &by, &init, &result), 0);
  assert_int_equal(result.form, MC_FLOAT);
  assert_true(result.number == 44.5);
  by = integer(1);
  assert_int_equal(mc_dict_increment(dict, &key, &by, &init, &result), 0);
  assert_true(result.form == MC_FLOAT && result.number == 45.5);
  set(dict, "n", integer(INT64_MAX));
  assert_int_equal(mc_dict_increment(dict, &key, &by, &init, &result), 0);
  assert_true(result.integer == INT64_MIN);
  set(dict, "n", text("5"));
  assert_int_equal(mc_dict_increment(dict, &key, &by, &init, &result), MC_NOTNUMBER);
  assert_named_text(dict, "n", "5");
  mc_object_drop(dict);
  audit_now();
}

static void test_pops_and_sets_defaults(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  struct mc_batch batch = {0};
  struct mc_key key = key_of("k");
  struct mc_value one = text("one");
  struct mc_value two = integer(2);
  assert_int_equal(mc_dict_pop(dict, &key, &batch), 0);
  assert_int_equal(mc_dict_set_default(dict, &key, &one, &batch), 0);
  assert_int_equal(mc_dict_set_default(dict, &key, &two, &batch), 1);
  assert_int_equal(mc_dict_pop(dict, &key, &batch), 1);
  assert_int_equal(mc_batch_count(&batch), 2);
  assert_text(&batch, 0, "one");
  assert_text(&batch, 1, "one");
  assert_int_equal(mc_dict_set_default(dict, &key, &two, &batch), 0);
  assert_int_equal(get_named(dict, "k"), 2);
  mc_batch_free(&batch);
  mc_object_drop(dict);
  audit_now();
}

static void test_compares_and_sets(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  struct mc_key key = key_of("k");
  struct mc_value none = nothing();
  struct mc_value one = integer(1);
  struct mc_value one_float = floating(1.0);
  struct mc_value half = floating(1.5);
  struct mc_value nan = floating((double)NAN);
  struct mc_value a = text("a");
  struct mc_value b = text("b");
  assert_int_equal(mc_dict_compare_set(dict, &key, &one, &a), 0);
  assert_int_equal(mc_dict_compare_set(dict, &key, &none, &one), 1);
  assert_int_equal(mc_dict_compare_set(dict, &key, &none, &a), 0);
  assert_int_equal(mc_dict_compare_set(dict, &key, &half, &a), 0);
  assert_int_equal(mc_dict_compare_set(dict, &key, &one_float, &a), 1);
  assert_int_equal(mc_dict_compare_set(dict, &key, &b, &one), 0);
  assert_int_equal(mc_dict_compare_set(dict, &key, &a, &nan), 1);
  assert_int_equal(mc_dict_compare_set(dict, &key, &nan, &one), 0);
  set(dict, "k", integer(((int64_t)1 << 53) + 1));
  struct mc_value near = floating(0x1p53);
  assert_int_equal(mc_dict_compare_set(dict, &key, &near, &one), 0);
  set(dict, "k", text("b"));
  assert_int_equal(mc_dict_compare_set(dict, &key, &b, &none), 1);
  assert_false(mc_dict_has(dict, &key));
  assert_int_equal(mc_dict_compare_set(dict, &key, &none, &none), 1);
  mc_object_drop(dict);
  audit_now();
}

static uint64_t version_of(mc_ref dict, const struct mc_key *key) {
  struct mc_batch batch = {0};
  uint64_t version = 0;
  if (mc_dict_get(dict, key, &batch) == 1)
    version = mc_batch_item(&batch, 0)->version;
  mc_batch_free(&batch);
  return version;
}

static void test_versions_are_never_used_again(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  struct mc_key key = key_of("k");
  struct mc_value one = integer(1);
  uint64_t last = 0;
  assert_int_equal(mc_dict_version_set(dict, &key, 0, &one), 1);
  for (int i = 0; i < 500; i++) {
    uint64_t version = version_of(dict, &key);
    assert_true(version > last);
    last = version;
    assert_int_equal(mc_dict_version_set(dict, &key, version - 1, &one), 0);
    if (i % 50 == 7)
      assert_int_equal(mc_dict_clear(dict), 0);
    if (i % 3 == 0)
      set(dict, "k", nothing());
    set(dict, "k", i % 2 ? text("x") : integer(i));
    for (uint64_t n = 0; n < (uint64_t)i; n++) { /* grows into stripes on the way */
      uint64_t number = n * 1000 + (uint64_t)i;
      struct mc_key other = key_number(&number);
      assert_int_equal(mc_dict_set(dict, &other, &one), 0);
    }
  }
  assert_int_equal(mc_dict_version_set(dict, &key, version_of(dict, &key), &one), 1);
  assert_int_equal(get_named(dict, "k"), 1);
  mc_object_drop(dict);
  audit_now();
}

static void fill(mc_ref dict, uint64_t from, uint64_t n) {
  for (uint64_t i = from; i < from + n; i++) {
    struct mc_key key = key_number(&i);
    struct mc_value value = integer((int64_t)i);
    assert_int_equal(mc_dict_set(dict, &key, &value), 0);
  }
}

static void drain(mc_ref dict, uint64_t from, uint64_t n) {
  struct mc_value none = nothing();
  for (uint64_t i = from; i < from + n; i++) {
    struct mc_key key = key_number(&i);
    assert_int_equal(mc_dict_set(dict, &key, &none), 0);
  }
}

static void test_grows_and_shrinks(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  static const uint64_t sizes[] = {1, 5, 6, 127, 128, 140, 1000, 20000, 100000};
  for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
    fill(dict, 0, sizes[s]);
    assert_int_equal(mc_dict_size(dict), sizes[s]);
    audit_now();
    for (uint64_t i = 0; i < sizes[s]; i++) {
      struct mc_key key = key_number(&i);
      assert_int_equal(get_integer(dict, &key), i);
    }
  }
  uint64_t full = in_use();
  drain(dict, 0, 99000);
  audit_now();
  assert_int_equal(mc_dict_size(dict), 1000);
  for (uint64_t i = 99000; i < 100000; i++) {
    struct mc_key key = key_number(&i);
    assert_int_equal(get_integer(dict, &key), i);
  }
  assert_true(in_use() < full / 10);
  drain(dict, 99000, 1000);
  assert_int_equal(mc_dict_size(dict), 0);
  audit_now();
  assert_true(in_use() < 8192);
  mc_object_drop(dict);
  audit_now();
  assert_int_equal(in_use(), 0);
}

static int gets_one(void *arg) {
  mc_ref ref = *(mc_ref *)arg;
  return get_named(ref, "one") == 1 ? 0 : 1;
}

/* A small dict gets stripes when processes have met in it, and is what it was. */
static void test_spreads_where_processes_meet(void **state) {
  (void)state;
  mc_ref ref = new_dict();
  struct mc_dict *dict = mc_at(ref);
  assert_int_equal(set(ref, "one", integer(1)), 0);
  assert_int_equal(set(ref, "two", text("2")), 0);
  for (unsigned met = 0; met < 2 * MC_DICT_MET && dict->stripes == 0; met++) {
    struct mc_robust *lock = mc_table_lock(dict, 0);
    mc_lock(lock);
    pid_t pid = fork_member(NULL, gets_one, &ref);
    while (dict->met <= met)
      sched_yield();
    mc_unlock(lock);
    assert_int_equal(wait_for(pid), 0);
  }
  assert_int_not_equal(dict->stripes, 0);
  assert_int_equal(get_named(ref, "one"), 1);
  assert_named_text(ref, "two", "2");
  assert_int_equal(mc_dict_size(ref), 2);
  mc_members_reap();
  audit_now();
  assert_int_equal(mc_dict_clear(ref), 0);
  assert_int_equal(dict->stripes, 0);
  assert_int_equal(set(ref, "one", integer(3)), 0);
  assert_int_equal(get_named(ref, "one"), 3);
  mc_object_drop(ref);
  audit_now();
}

static void test_filled_and_emptied_it_does_not_grow(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  struct mc_space_stats before;
  struct mc_space_stats after;
  fill(dict, 0, 5000);
  drain(dict, 0, 5000);
  mc_space_stats(&before);
  for (uint64_t round = 1; round < 40; round++) {
    fill(dict, round * 10000, 5000);
    drain(dict, round * 10000, 5000);
  }
  /* A window that moves: there are always some. */
  fill(dict, 0, 1000);
  for (uint64_t i = 0; i < 200000; i++) {
    fill(dict, i + 1000, 1);
    drain(dict, i, 1);
  }
  drain(dict, 200000, 1000);
  mc_space_stats(&after);
  assert_int_equal(before.in_use, after.in_use);
  assert_true(after.carved <= before.carved + 2 * MIB);
  mc_object_drop(dict);
  audit_now();
}

/* Marks what an iteration sees. */
static void see_all(mc_ref dict, uint8_t *seen, uint64_t n,
                    void (*meanwhile)(mc_ref, uint64_t)) {
  uint64_t cursor = 0;
  uint64_t step = 0;
  struct mc_batch batch = {0};
  int rc;
  while ((rc = mc_dict_next(dict, &cursor, 64, &batch)) > 0) {
    assert_int_equal(rc, mc_batch_count(&batch));
    for (int i = 0; i < rc; i++) {
      const struct mc_item *item = mc_batch_item(&batch, (size_t)i);
      uint64_t number;
      assert_int_equal(item->key_length, sizeof(number));
      assert_int_equal(item->key_kind, 1);
      memcpy(&number, batch.bytes.data + item->key_at, sizeof(number));
      assert_int_equal(item->integer, number);
      if (number < n)
        assert_int_equal(seen[number]++, 0);
    }
    mc_batch_empty(&batch);
    if (meanwhile)
      meanwhile(dict, step++);
  }
  assert_int_equal(rc, 0);
  mc_batch_free(&batch);
}

static void grow_meanwhile(mc_ref dict, uint64_t step) {
  fill(dict, 1000000 + step * 3000, 3000);
}

static void shrink_meanwhile(mc_ref dict, uint64_t step) {
  drain(dict, 1000000 + step * 3000, 3000);
}

static void check_all_seen(uint8_t *seen, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    assert_int_equal(seen[i], 1);
  memset(seen, 0, n);
}

static void test_iteration_sees_what_stays_exactly_once(void **state) {
  (void)state;
  uint8_t *seen = calloc(20000, 1);
  for (uint64_t n = 10; n <= 10000; n *= 10) {
    mc_ref dict = new_dict();
    fill(dict, 0, n);
    see_all(dict, seen, n, NULL);
    check_all_seen(seen, n);
    see_all(dict, seen, n, grow_meanwhile);
    check_all_seen(seen, n);
    see_all(dict, seen, n, shrink_meanwhile);
    check_all_seen(seen, n);
    audit_now();
    mc_object_drop(dict);
  }
  free(seen);
}

static void test_iteration_asks_for_what_is_large(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  mc_ref inner = new_dict();
  set(dict, "large", text("0123456789"));
  set(dict, "handle", handle(&inner));
  set(dict, "small", text("0123"));
  uint64_t cursor = 0;
  struct mc_batch batch = {0};
  assert_int_equal(mc_dict_next(dict, &cursor, 4, &batch), 3);
  int asked = 0;
  for (size_t i = 0; i < 3; i++)
    asked += mc_batch_item(&batch, i)->form == MC_ASK;
  assert_int_equal(asked, 2);
  assert_int_equal(mc_dict_next(dict, &cursor, 4, &batch), 0);
  mc_batch_free(&batch);
  mc_object_drop(inner);
  mc_object_drop(dict);
  audit_now();
}

static void test_keeps_objects_alive(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  mc_ref inner = new_dict();
  set(inner, "x", text("deep"));
  set(dict, "inner", handle(&inner));
  mc_object_drop(inner);
  assert_named_text(inner, "x", "deep");
  audit_now();
  struct mc_batch batch = {0};
  struct mc_key key = key_of("inner");
  assert_int_equal(mc_dict_get(dict, &key, &batch), 1);
  assert_int_equal(*mc_batch_handles(&batch, mc_batch_item(&batch, 0)), inner);
  set(dict, "inner", integer(1));
  assert_named_text(inner, "x", "deep"); /* the copy has a hold */
  mc_batch_free(&batch);
  assert_int_equal(mc_object_kind(inner), MC_KIND_NONE);
  /* Popped: the copy alone has it. */
  mc_ref other = new_dict();
  set(dict, "inner", handle(&other));
  mc_object_drop(other);
  assert_int_equal(mc_dict_pop(dict, &key, &batch), 1);
  assert_int_equal(mc_object_kind(other), MC_KIND_DICT);
  audit_now();
  mc_batch_free(&batch);
  assert_int_equal(mc_object_kind(other), MC_KIND_NONE);
  mc_object_drop(dict);
  assert_int_equal(in_use(), 0);
}

static void test_a_deep_nest_ends_without_recursion(void **state) {
  (void)state;
  mc_ref outer = new_dict();
  mc_ref at = outer;
  mc_object_hold(at);
  for (int i = 0; i < 3000; i++) {
    mc_ref inner = new_dict();
    set(at, "next", handle(&inner));
    mc_object_drop(at);
    at = inner;
  }
  mc_object_drop(at);
  audit_now();
  mc_object_drop(outer);
  audit_now();
  assert_int_equal(in_use(), 0);
}

static void test_a_cycle_lives_until_it_is_cut(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  set(dict, "self", handle(&dict));
  mc_object_hold(dict);
  mc_object_drop(dict);
  set(dict, "self", nothing());
  mc_object_drop(dict);
  assert_int_equal(mc_object_kind(dict), MC_KIND_NONE);
  assert_int_equal(in_use(), 0);
}

static void test_clears(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  mc_ref inner = new_dict();
  for (uint64_t n = 0; n < 3; n++) {
    fill(dict, 0, n == 0 ? 0 : n == 1 ? 50 : 5000);
    set(dict, "inner", handle(&inner));
    assert_int_equal(mc_dict_clear(dict), 0);
    assert_int_equal(mc_dict_size(dict), 0);
    audit_now();
  }
  mc_object_drop(inner);
  assert_int_equal(mc_object_kind(inner), MC_KIND_NONE);
  fill(dict, 0, 10);
  assert_int_equal(mc_dict_size(dict), 10);
  mc_object_drop(dict);
  assert_int_equal(in_use(), 0);
}

#define UPDATES 300

static void test_updates_many_at_once(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  uint64_t numbers[UPDATES];
  struct mc_key keys[UPDATES];
  struct mc_value values[UPDATES];
  for (uint64_t round = 0; round < 3; round++) {
    for (uint64_t i = 0; i < UPDATES; i++) {
      numbers[i] = i + round * 150; /* half new, half there */
      keys[i] = key_number(&numbers[i]);
      values[i] = i % 2 ? integer((int64_t)(numbers[i] * 10 + round)) : text("text");
    }
    assert_int_equal(mc_dict_update(dict, keys, values, UPDATES), 0);
    audit_now();
    assert_int_equal(mc_dict_size(dict), UPDATES + round * 150);
    for (uint64_t i = 1; i < UPDATES; i += 2)
      assert_int_equal(get_integer(dict, &keys[i]), numbers[i] * 10 + round);
  }
  assert_int_equal(mc_dict_update(dict, keys, values, 0), 0);
  mc_object_drop(dict);
  assert_int_equal(in_use(), 0);
}

static void test_an_update_that_does_not_fit_changes_nothing(void **state) {
  (void)state;
  mc_ref dict = new_dict();
  fill(dict, 0, 1000);
  enum { N = 4000, ROUNDS = 40 };
  uint64_t *numbers = calloc(N, sizeof(*numbers));
  struct mc_key *keys = calloc(N, sizeof(*keys));
  struct mc_value *values = calloc(N, sizeof(*values));
  char *large = calloc(1, 10000);
  for (uint64_t i = 0; i < N; i++) {
    numbers[i] = i * 7;
    keys[i] = key_number(&numbers[i]);
    values[i] = integer(-1);
  }
  int failed = 0;
  for (int round = 0; round < ROUNDS; round++) {
    /* What is left gets less and less, so the end comes at different places. */
    struct mc_value filler = bytes_of(large, (size_t)(4000 + 100 * round));
    uint64_t name = 1000000 + (uint64_t)round;
    struct mc_key key = key_number(&name);
    while (mc_dict_set(dict, &key, &filler) == 0)
      name += ROUNDS;
    uint64_t before = mc_dict_size(dict);
    int rc = mc_dict_update(dict, keys, values, N);
    if (rc == 0)
      break;
    failed++;
    assert_int_equal(rc, MC_NOMEM);
    audit_now();
    assert_int_equal(mc_dict_size(dict), before);
    for (uint64_t i = 0; i < 1000; i++) {
      struct mc_key old = key_number(&i);
      assert_int_equal(get_integer(dict, &old), i);
    }
    uint64_t victim = 1000000 + (uint64_t)round;
    for (int i = 0; i < 3; i++, victim += ROUNDS) {
      struct mc_key gone = key_number(&victim);
      struct mc_value none = nothing();
      assert_int_equal(mc_dict_set(dict, &gone, &none), 0);
    }
  }
  assert_int_equal(failed, ROUNDS);
  free(numbers);
  free(keys);
  free(values);
  free(large);
  mc_object_drop(dict);
  audit_now();
  assert_int_equal(in_use(), 0);
}

static int large_space(void **state) {
  (void)state;
  open_space(64 * MIB);
  return 0;
}

static int tiny_space(void **state) {
  (void)state;
  open_space(2 * MIB);
  return 0;
}

#define TEST(f)       cmocka_unit_test_setup_teardown(f, small_space, close_space)
#define TEST_LARGE(f) cmocka_unit_test_setup_teardown(f, large_space, close_space)
#define TEST_TINY(f)  cmocka_unit_test_setup_teardown(f, tiny_space, close_space)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_sets_gets_and_removes),
      TEST(test_keys_of_different_kinds_differ),
      TEST(test_values_of_any_size),
      TEST(test_counts_up),
      TEST(test_pops_and_sets_defaults),
      TEST(test_compares_and_sets),
      TEST(test_versions_are_never_used_again),
      TEST_LARGE(test_grows_and_shrinks),
      TEST(test_spreads_where_processes_meet),
      TEST(test_filled_and_emptied_it_does_not_grow),
      TEST_LARGE(test_iteration_sees_what_stays_exactly_once),
      TEST(test_iteration_asks_for_what_is_large),
      TEST(test_keeps_objects_alive),
      TEST(test_a_deep_nest_ends_without_recursion),
      TEST(test_a_cycle_lives_until_it_is_cut),
      TEST(test_clears),
      TEST(test_updates_many_at_once),
      TEST_TINY(test_an_update_that_does_not_fit_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
