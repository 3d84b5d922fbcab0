/* Dicts and lists that several processes write at once, some of which are killed. */
#include "tables.h"

#define WRITERS 3
#define COUNTS  20000
#define KEYS    40
#define KILLS   60

static mc_ref dict, list;

static uint64_t seed;

static uint64_t roll(uint64_t n) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (seed >> 33) % n;
}

static int count_up(void *arg) {
  (void)arg;
  struct mc_value one = integer(1);
  struct mc_value zero = integer(0);
  struct mc_value result;
  for (uint64_t i = 0; i < COUNTS; i++) {
    uint64_t number = i % 200;
    struct mc_key key = key_number(&number);
    struct mc_key all = key_of("all");
    if (mc_dict_increment(dict, &key, &one, &zero, &result) != 0 ||
        mc_dict_increment(dict, &all, &one, &zero, &result) != 0)
      return 1;
    if (i % 2 == 0 && append_integer(list, (int64_t)i) != 0)
      return 1;
    if (mc_list_increment(list, 0, &one, &result) != 0)
      return 1;
  }
  return 0;
}

static void test_no_count_is_lost(void **state) {
  (void)state;
  dict = new_dict();
  list = new_list();
  append_integer(list, 0);
  pid_t pids[WRITERS];
  for (int i = 0; i < WRITERS; i++)
    pids[i] = fork_member(NULL, count_up, NULL);
  for (int i = 0; i < WRITERS; i++)
    assert_int_equal(wait_for(pids[i]), 0);
  mc_members_reap();
  assert_int_equal(get_named(dict, "all"), WRITERS * COUNTS);
  for (uint64_t i = 0; i < 200; i++) {
    struct mc_key key = key_number(&i);
    assert_int_equal(get_integer(dict, &key), WRITERS * COUNTS / 200);
  }
  assert_int_equal(mc_list_size(list), 1 + WRITERS * COUNTS / 2);
  assert_int_equal(list_integer(list, 0), WRITERS * COUNTS);
  mc_object_drop(dict);
  mc_object_drop(list);
  audit_now();
  assert_int_equal(in_use(), 0);
}

#define MODIFICATIONS 300

/* A read, some work, and a write if nobody wrote meanwhile. */
static int modify(void *arg) {
  (void)arg;
  struct mc_key key = key_of("m");
  struct mc_batch batch = {0};
  for (int done = 0, tries = 0; done < MODIFICATIONS;) {
    mc_batch_empty(&batch);
    if (mc_dict_get(dict, &key, &batch) != 1)
      return 1;
    const struct mc_item *item = mc_batch_item(&batch, 0);
    struct mc_value value = integer(item->integer + 1);
    for (volatile int i = 0; i < 2000; i++)
      ;
    int rc = mc_dict_version_set(dict, &key, item->version, &value);
    if (rc < 0)
      return 2;
    if (rc == 1) {
      mc_dict_turn_end(dict);
      done++;
      tries = 0;
    } else if (++tries >= 2) {
      mc_dict_turn_take(dict);
    }
  }
  mc_batch_free(&batch);
  return 0;
}

static int write_until_told(void *arg) {
  (void)arg;
  struct mc_key key = key_of("m");
  struct mc_value one = integer(1);
  struct mc_value result;
  uint64_t n = 0;
  while (marks[0] == 0) {
    if (mc_dict_increment(dict, &key, &one, &one, &result) != 0)
      return 1;
    n++;
  }
  set_mark(1, n);
  return 0;
}

static void test_modifiers_get_through_beside_a_writer(void **state) {
  (void)state;
  dict = new_dict();
  set(dict, "m", integer(0));
  pid_t writer = fork_member(NULL, write_until_told, NULL);
  pid_t pids[WRITERS];
  for (int i = 0; i < WRITERS; i++)
    pids[i] = fork_member(NULL, modify, NULL);
  for (int i = 0; i < WRITERS; i++)
    assert_int_equal(wait_for(pids[i]), 0);
  set_mark(0, 1);
  assert_int_equal(wait_for(writer), 0);
  assert_int_equal(get_named(dict, "m"), WRITERS * MODIFICATIONS + marks[1]);
  mc_members_reap();
  mc_object_drop(dict);
  audit_now();
}

static int take_the_turn_and_wait(void *arg) {
  (void)arg;
  mc_dict_turn_take(dict);
  set_mark(2, 1);
  for (;;)
    pause();
  return 0;
}

static void test_the_turn_of_a_dead_one_is_free(void **state) {
  (void)state;
  dict = new_dict();
  pid_t pid = fork_member(NULL, take_the_turn_and_wait, NULL);
  await_mark(2, 1);
  assert_int_equal(set(dict, "x", integer(1)), 0); /* held back, but not for ever */
  kill_member(pid);
  assert_int_equal(set(dict, "x", integer(2)), 0);
  mc_dict_turn_take(dict);
  mc_dict_turn_end(dict);
  assert_int_equal(get_named(dict, "x"), 2);
  mc_members_reap();
  mc_object_drop(dict);
  audit_now();
}

/* Sets all keys to the same number, again and again. */
static int update_for_ever(void *arg) {
  (void)arg;
  uint64_t numbers[KEYS];
  struct mc_key keys[KEYS];
  struct mc_value values[KEYS];
  for (int64_t round = 1;; round++) {
    for (uint64_t i = 0; i < KEYS; i++) {
      numbers[i] = i;
      keys[i] = key_number(&numbers[i]);
      values[i] = round % 2 ? integer(round) : bytes_of(&round, sizeof(round));
    }
    if (mc_dict_update(dict, keys, values, KEYS) != 0)
      return 1;
    set_mark(3, (uint64_t)round);
    if (round % 16 == 0 && mc_dict_clear(dict) != 0)
      return 1;
  }
}

static void wait_a_little(void) {
  for (uint64_t i = roll(30000); i > 0; i--)
    __atomic_load_n(&marks[0], __ATOMIC_SEQ_CST);
}

static void test_a_killed_update_is_all_or_nothing(void **state) {
  (void)state;
  dict = new_dict();
  seed = (uint64_t)getpid();
  for (int kill_number = 0; kill_number < KILLS; kill_number++) {
    set_mark(3, 0);
    pid_t pid = fork_member(NULL, update_for_ever, NULL);
    while (marks[3] < 3)
      sched_yield();
    wait_a_little();
    kill_member(pid);
    if (roll(2))
      mc_members_reap();
    struct mc_batch batch = {0};
    uint64_t size = mc_dict_size(dict);
    assert_true(size == 0 || size == KEYS);
    for (uint64_t i = 0; i < KEYS; i++) {
      struct mc_key key = key_number(&i);
      assert_int_equal(mc_dict_get(dict, &key, &batch), size ? 1 : 0);
    }
    for (size_t i = 1; i < size; i++) {
      const struct mc_item *item = mc_batch_item(&batch, i);
      assert_int_equal(item->form, mc_batch_item(&batch, 0)->form);
      if (item->form == MC_INTEGER)
        assert_int_equal(item->integer, mc_batch_item(&batch, 0)->integer);
      else
        assert_memory_equal(batch.bytes.data + item->at, batch.bytes.data, 8);
    }
    mc_batch_free(&batch);
    mc_members_reap();
    audit_now();
  }
  mc_object_drop(dict);
  audit_now();
  assert_int_equal(in_use(), 0);
}

/* Everything at random, on few keys and a list of moderate length. */
static int do_anything(void *arg) {
  seed = (uint64_t)(uintptr_t)arg;
  char large[3000];
  memset(large, 'x', sizeof(large));
  struct mc_batch batch = {0};
  for (;;) {
    uint64_t number = roll(600);
    struct mc_key key = key_number(&number);
    struct mc_value value = roll(2) ? integer((int64_t)number)
                                    : bytes_of(large, roll(8) ? roll(60) : roll(3000));
    mc_ref inner = 0;
    if (roll(20) == 0 && mc_dict_create(&inner) == 0)
      value = handle(&inner);
    uint64_t size = mc_list_size(list);
    mc_batch_empty(&batch);
    int rc = 0;
    switch (roll(14)) {
    case 0:
      rc = mc_dict_pop(dict, &key, &batch);
      break;
    case 1:
      rc = mc_dict_get(dict, &key, &batch);
      break;
    case 2:
      rc = roll(500) ? 0 : mc_dict_clear(dict);
      break;
    case 3:
      rc = mc_list_append_left(list, &value);
      break;
    case 4:
    case 5:
      rc = size > 1500 ? 0 : mc_list_append(list, &value, 1);
      break;
    case 6:
      rc = mc_list_pop(list, &batch);
      break;
    case 7:
      rc = mc_list_pop_left(list, &batch);
      break;
    case 8:
      rc = size ? mc_list_insert(list, roll(size), &value) : 0;
      break;
    case 9:
      rc = size ? mc_list_take(list, roll(size), &batch) : 0;
      break;
    case 10:
      rc = size ? mc_list_set(list, roll(size), &value) : 0;
      break;
    case 11:
      rc = roll(20) ? 0 : mc_list_reverse(list);
      break;
    default:
      rc = mc_dict_set(dict, &key, &value);
    }
    if (inner)
      mc_object_drop(inner);
    if (rc < 0 && rc != MC_RANGE)
      return 1;
    set_mark(4, marks[4] + 1);
  }
}

static pid_t writers[WRITERS];
static struct mc_member members[WRITERS];

static void start_writer(int i) {
  static uint64_t generation = 1;
  writers[i] = fork_member(&members[i], do_anything, (void *)(uintptr_t)generation++);
}

/* One that had not even begun has only a reserved slot. */
static void kill_writer(int i) {
  kill_member(writers[i]);
  if (roll(3))
    mc_members_reap();
  mc_member_cancel(members[i]);
}

static void test_the_structure_survives_kills(void **state) {
  (void)state;
  dict = new_dict();
  list = new_list();
  for (int i = 0; i < WRITERS; i++)
    start_writer(i);
  for (int kill_number = 0; kill_number < KILLS * 2; kill_number++) {
    uint64_t seen = marks[4];
    while (marks[4] < seen + 200)
      sched_yield();
    int victim = (int)roll(WRITERS);
    kill_writer(victim);
    if (kill_number % 10 == 9) { /* nobody else may write while it is looked at */
      for (int i = 0; i < WRITERS; i++)
        if (i != victim)
          kill_writer(i);
      mc_members_reap();
      audit_now();
      for (int i = 0; i < WRITERS; i++)
        if (i != victim)
          start_writer(i);
    }
    start_writer(victim);
  }
  for (int i = 0; i < WRITERS; i++)
    kill_writer(i);
  mc_members_reap();
  audit_now();
  mc_object_drop(dict);
  mc_object_drop(list);
  audit_now();
  assert_int_equal(in_use(), 0);
}

#define STAYS 3000

/* Adds and removes other keys, so that everything moves. */
static int stir(void *arg) {
  seed = (uint64_t)(uintptr_t)arg;
  for (;;) {
    uint64_t from = STAYS + roll(1000000);
    for (int pass = 0; pass < 2; pass++) {
      for (uint64_t i = from; i < from + 3000; i++) {
        struct mc_key key = key_number(&i);
        struct mc_value value = pass ? nothing() : integer(1);
        if (mc_dict_set(dict, &key, &value) != 0)
          return 1;
      }
    }
    set_mark(5, marks[5] + 1);
  }
}

static void test_iteration_beside_writers(void **state) {
  (void)state;
  dict = new_dict();
  for (uint64_t i = 0; i < STAYS; i++) {
    struct mc_key key = key_number(&i);
    struct mc_value value = integer(1);
    assert_int_equal(mc_dict_set(dict, &key, &value), 0);
  }
  pid_t pids[2] = {fork_member(NULL, stir, (void *)1),
                   fork_member(NULL, stir, (void *)2)};
  while (marks[5] < 3)
    sched_yield();
  struct mc_batch batch = {0};
  for (int round = 0; round < 50; round++) {
    uint8_t seen[STAYS] = {0};
    uint64_t cursor = 0;
    while (mc_dict_next(dict, &cursor, 64, &batch) > 0) {
      for (size_t i = 0; i < mc_batch_count(&batch); i++) {
        uint64_t number;
        memcpy(&number, batch.bytes.data + mc_batch_item(&batch, i)->key_at, 8);
        if (number < STAYS)
          assert_int_equal(seen[number]++, 0);
      }
      mc_batch_empty(&batch);
    }
    for (uint64_t i = 0; i < STAYS; i++)
      assert_int_equal(seen[i], 1);
  }
  mc_batch_free(&batch);
  kill_member(pids[0]);
  kill_member(pids[1]);
  mc_members_reap();
  audit_now();
  mc_object_drop(dict);
  audit_now();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, small_space, close_space)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_no_count_is_lost),
      TEST(test_modifiers_get_through_beside_a_writer),
      TEST(test_the_turn_of_a_dead_one_is_free),
      TEST(test_a_killed_update_is_all_or_nothing),
      TEST(test_the_structure_survives_kills),
      TEST(test_iteration_beside_writers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
