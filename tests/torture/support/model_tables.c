/* The part of the random test whose model is exact: keys of dicts, digits of counters,
 * cells of a list. Each worker writes only its own. */
#include "torture/support/model.h"

#include "base/error.h"
#include "share/dict.h"
#include "share/list.h"

#include <string.h>

#define KEY_OF_WORKER  1
#define KEY_OF_COUNTER 2
#define DIGITS         12 /* bits of a counter that a worker has */

static struct mc_batch batch;

/* Good until the next call with the same `which`. */
static struct mc_key key_of(unsigned worker, uint32_t place, unsigned which) {
  static uint32_t bytes[AT_ONCE];
  bytes[which] = worker << 16 | place;
  return (struct mc_key){&bytes[which], sizeof(bytes[0]), KEY_OF_WORKER};
}

static struct mc_key counter_key(uint32_t counter) {
  static uint32_t bytes;
  bytes = counter;
  return (struct mc_key){&bytes, sizeof(bytes), KEY_OF_COUNTER};
}

/* ---- notes ---- */

static void begin(struct note *note, enum note_kind kind) {
  note->kind = kind;
  __atomic_store_n(&note->phase, BEGUN, __ATOMIC_SEQ_CST);
}

static int64_t *model_of(unsigned worker, const struct note *note, uint32_t i) {
  struct model_worker *mine = &model->worker[worker];
  return note->kind == NOTE_KEYS      ? &mine->key[note->dict][note->place[i]]
         : note->kind == NOTE_COUNTER ? &mine->counter[note->place[i]]
                                      : &mine->cell[note->place[i]];
}

/* It was done: the model is what the note says. May be cut off and done again. */
static void accept(unsigned worker, struct note *note) {
  for (uint32_t i = 0; i < note->n; i++)
    *model_of(worker, note, i) = note->after[i];
  __atomic_store_n(&note->phase, NEVER, __ATOMIC_SEQ_CST);
}

static void returned(unsigned worker, struct note *note) {
  __atomic_store_n(&note->phase, RETURNED, __ATOMIC_SEQ_CST);
  accept(worker, note);
}

/* ---- what is there ---- */

static int64_t read_key(unsigned dict, unsigned worker, uint32_t place) {
  struct mc_key key = key_of(worker, place, 0);
  mc_batch_empty(&batch);
  int rc = mc_dict_get(model_dicts[dict], &key, &batch);
  if (rc < 0)
    model_fail("get: %d", rc);
  return rc ? model_number(&batch, 0) : ABSENT;
}

static int64_t digits(unsigned worker, int64_t counter) {
  return counter >> (worker * DIGITS) & ((1 << DIGITS) - 1);
}

static int64_t read_counter(unsigned worker, uint32_t place) {
  struct mc_key key = counter_key(place);
  mc_batch_empty(&batch);
  int rc = mc_dict_get(model_dicts[0], &key, &batch);
  if (rc < 0)
    model_fail("get of a counter: %d", rc);
  return rc ? digits(worker, mc_batch_item(&batch, 0)->integer) : 0;
}

static int64_t read_cell(unsigned worker, uint32_t place) {
  mc_batch_empty(&batch);
  int rc = mc_list_get(model_list_of_cells, place * WORKERS + worker, &batch);
  if (rc != 1)
    model_fail("get of a cell: %d", rc);
  return model_number(&batch, 0);
}

static int64_t read_place(unsigned worker, const struct note *note, uint32_t i) {
  return note->kind == NOTE_KEYS      ? read_key(note->dict, worker, note->place[i])
         : note->kind == NOTE_COUNTER ? read_counter(worker, note->place[i])
                                      : read_cell(worker, note->place[i]);
}

void model_resolve(unsigned worker) {
  struct note *note = &model->worker[worker].note;
  if (note->phase == NEVER)
    return;
  uint32_t as_before = 0, as_after = 0;
  for (uint32_t i = 0; i < note->n; i++) {
    int64_t there = read_place(worker, note, i);
    as_before += there == note->before[i];
    as_after += there == note->after[i];
  }
  if (as_after == note->n) {
    __atomic_fetch_add(&model->were_done, 1, __ATOMIC_RELAXED);
    accept(worker, note);
    return;
  }
  if (note->phase == RETURNED || as_before != note->n)
    model_fail("worker %u, kind %u: of %u places %u are as before, %u as after%s", worker,
               note->kind, note->n, as_before, as_after,
               note->phase == RETURNED ? "; it had returned" : "");
  __atomic_fetch_add(&model->were_not, 1, __ATOMIC_RELAXED);
  __atomic_store_n(&note->phase, NEVER, __ATOMIC_SEQ_CST);
}

/* ---- keys ---- */

static void expect(const char *what, int64_t there, int64_t expected) {
  if (there != expected)
    model_fail("%s: %ld, expected %ld", what, there, expected);
}

static void set_or_remove(mc_ref dict, const struct mc_key *key, struct note *note) {
  struct mc_value value = model_value(note->after[0], 0);
  expect("set", mc_dict_set(dict, key, &value), 0);
}

static void pop(mc_ref dict, const struct mc_key *key, struct note *note) {
  int rc = mc_dict_pop(dict, key, &batch);
  expect("pop", rc, note->before[0] != ABSENT);
  if (rc)
    expect("popped value", model_number(&batch, 0), note->before[0]);
}

static void set_default(mc_ref dict, const struct mc_key *key, struct note *note) {
  struct mc_value value = model_value(note->after[0], 0);
  int rc = mc_dict_set_default(dict, key, &value, &batch);
  expect("set default", rc, note->before[0] != ABSENT);
  if (rc)
    expect("the value there", model_number(&batch, 0), note->before[0]);
}

static void increment(mc_ref dict, const struct mc_key *key, struct note *note) {
  int64_t start = note->before[0] == ABSENT ? 0 : note->before[0];
  struct mc_value by = {.form = MC_INTEGER, .integer = note->after[0] - start};
  struct mc_value zero = {.form = MC_INTEGER, .integer = 0};
  struct mc_value result;
  int rc = mc_dict_increment(dict, key, &by, &zero, &result);
  expect("increment", rc, start % 2 ? MC_NOTNUMBER : 0);
  if (rc == 0)
    expect("the sum", result.integer, note->after[0]);
}

static void compare_set(mc_ref dict, const struct mc_key *key, struct note *note) {
  struct mc_value old = model_value(note->before[0], 0);
  struct mc_value value = model_value(note->after[0], 1);
  expect("compare and set", mc_dict_compare_set(dict, key, &old, &value), 1);
}

static void compare_in_vain(mc_ref dict, const struct mc_key *key, struct note *note) {
  struct mc_value old = model_value(note->before[0] + 4, 0);
  struct mc_value value = model_value(model_any_number(), 1);
  expect("compare in vain", mc_dict_compare_set(dict, key, &old, &value), 0);
}

static void version_set(mc_ref dict, const struct mc_key *key, struct note *note) {
  struct mc_value value = model_value(note->after[0], 0);
  uint64_t version = 0;
  if (mc_dict_get(dict, key, &batch) == 1)
    version = mc_batch_item(&batch, 0)->version;
  expect("set by version", mc_dict_version_set(dict, key, version, &value), 1);
}

static void update(unsigned worker, struct note *note) {
  struct mc_key keys[AT_ONCE];
  struct mc_value values[AT_ONCE];
  for (uint32_t i = 0; i < note->n; i++) {
    keys[i] = key_of(worker, note->place[i], i);
    values[i] = model_value(note->after[i], i);
  }
  expect("update", mc_dict_update(model_dicts[note->dict], keys, values, note->n), 0);
}

/* Looks at everything that is there while others write: own keys are seen once. */
static void iterate(unsigned dict, unsigned worker) {
  const int64_t *mine = model->worker[worker].key[dict];
  static uint8_t seen[KEYS];
  uint64_t cursor = 0;
  memset(seen, 0, sizeof(seen));
  for (;;) {
    mc_batch_empty(&batch);
    int n = mc_dict_next(model_dicts[dict], &cursor, 100, &batch);
    if (n < 0)
      model_fail("iteration: %d", n);
    if (n == 0)
      break;
    for (size_t i = 0; i < (size_t)n; i++) {
      const struct mc_item *item = mc_batch_item(&batch, i);
      uint32_t id;
      memcpy(&id, batch.bytes.data + item->key_at, sizeof(id));
      if (item->key_kind == KEY_OF_WORKER && id >> 16 == worker) {
        seen[id & 0xffff]++;
        if (item->form != MC_ASK)
          expect("iterated value", model_number(&batch, i), mine[id & 0xffff]);
      }
    }
  }
  for (uint32_t place = 0; place < KEYS; place++)
    if (seen[place] != (mine[place] != ABSENT))
      model_fail("iteration: key %u was seen %u times", place, seen[place]);
}

typedef void operation(mc_ref dict, const struct mc_key *key, struct note *note);

/* What the operation will leave of `before`, so that it fits its kind. */
static int64_t after_of(operation *what, int64_t before) {
  if (what == pop)
    return ABSENT;
  if (what == compare_in_vain || (what == set_default && before != ABSENT))
    return before;
  if (what == increment)
    return before == ABSENT ? 2 : before % 2 ? before : before + 2 * model_any(100);
  return model_any_number();
}

static void one_key(unsigned worker, unsigned dict, uint32_t place) {
  static operation *const all[] = {set_or_remove,   pop,         set_default, increment,
                                   compare_in_vain, compare_set, version_set};
  struct note *note = &model->worker[worker].note;
  struct mc_key key = key_of(worker, place, 0);
  operation *what = all[model_any(sizeof(all) / sizeof(all[0]))];
  if (what == pop && model->worker[worker].filling && model_any(4))
    what = set_or_remove;
  note->dict = dict;
  note->n = 1;
  note->place[0] = place;
  note->before[0] = model->worker[worker].key[dict][place];
  note->after[0] = after_of(what, note->before[0]);
  if (what == set_or_remove && model_any(3) == 0 && !model->worker[worker].filling)
    note->after[0] = ABSENT;
  mc_batch_empty(&batch);
  begin(note, NOTE_KEYS);
  what(model_dicts[dict], &key, note);
  returned(worker, note);
}

static void many_keys(unsigned worker, unsigned dict, uint32_t keys) {
  struct note *note = &model->worker[worker].note;
  uint32_t first = model_any(keys - AT_ONCE * 3);
  note->dict = dict;
  note->n = 1 + model_any(AT_ONCE);
  for (uint32_t i = 0; i < note->n; i++) {
    note->place[i] = first + i * 3;
    note->before[i] = model->worker[worker].key[dict][first + i * 3];
    note->after[i] = model_any_number();
  }
  begin(note, NOTE_KEYS);
  update(worker, note);
  returned(worker, note);
}

void model_keys(unsigned worker) {
  struct model_worker *mine = &model->worker[worker];
  unsigned dict = model_any(DICTS);
  uint32_t keys = dict ? 40 : KEYS; /* one of them stays about as large as small ones */
  uint32_t place = model_any(keys);
  uint32_t which = model_any(1000);
  if (model_any(5000) == 0)
    mine->filling = !mine->filling;
  if (which < 150)
    expect("get", read_key(dict, worker, place), mine->key[dict][place]);
  else if (which < 200) /* another's: whole, whatever it is */
    read_key(dict, (worker + 1) % WORKERS, place);
  else if (which < 205)
    iterate(dict, worker);
  else if (which < 300)
    many_keys(worker, dict, keys);
  else
    one_key(worker, dict, place);
}

/* ---- counters and cells ---- */

void model_counters(unsigned worker) {
  struct note *note = &model->worker[worker].note;
  uint32_t place = model_any(COUNTERS);
  note->n = 1;
  note->place[0] = place;
  note->before[0] = model->worker[worker].counter[place];
  note->after[0] = model_any(1 << DIGITS);
  struct mc_key key = counter_key(place);
  int64_t by = (note->after[0] - note->before[0]) * ((int64_t)1 << worker * DIGITS);
  struct mc_value step = {.form = MC_INTEGER, .integer = by};
  struct mc_value zero = {.form = MC_INTEGER, .integer = 0};
  struct mc_value result;
  begin(note, NOTE_COUNTER);
  expect("increment", mc_dict_increment(model_dicts[0], &key, &step, &zero, &result), 0);
  expect("own digits", digits(worker, result.integer), note->after[0]);
  returned(worker, note);
}

void model_cells(unsigned worker) {
  struct note *note = &model->worker[worker].note;
  uint32_t place = model_any(CELLS);
  uint64_t index = place * WORKERS + worker;
  int64_t before = model->worker[worker].cell[place];
  expect("cell", read_cell(worker, place), before);
  note->n = 1;
  note->place[0] = place;
  note->before[0] = before;
  note->after[0] = model_any_number();
  struct mc_value old = model_value(before, 0);
  struct mc_value value = model_value(note->after[0], 1);
  struct mc_value result;
  bool adds = model_any(3) == 0 && before % 2 == 0;
  if (adds)
    note->after[0] = before + 6;
  begin(note, NOTE_CELL);
  if (adds) {
    struct mc_value six = {.form = MC_INTEGER, .integer = 6};
    expect("add", mc_list_increment(model_list_of_cells, index, &six, &result), 0);
    expect("sum", result.integer, note->after[0]);
  } else if (model_any(2)) {
    expect("set", mc_list_set(model_list_of_cells, index, &value), 0);
  } else {
    expect("compare", mc_list_compare_set(model_list_of_cells, index, &old, &value), 1);
  }
  returned(worker, note);
}

void model_compare_tables(void) {
  for (unsigned dict = 0; dict < DICTS; dict++) {
    uint64_t n = 0;
    for (unsigned worker = 0; worker < WORKERS; worker++) {
      const struct model_worker *mine = &model->worker[worker];
      for (uint32_t place = 0; place < KEYS; place++) {
        expect("key", read_key(dict, worker, place), mine->key[dict][place]);
        n += mine->key[dict][place] != ABSENT;
      }
      iterate(dict, worker);
    }
    for (uint32_t place = 0; dict == 0 && place < COUNTERS; place++) {
      struct mc_key key = counter_key(place);
      n += mc_dict_has(model_dicts[0], &key);
    }
    expect("size", (int64_t)mc_dict_size(model_dicts[dict]), (int64_t)n);
  }
  for (unsigned worker = 0; worker < WORKERS; worker++) {
    const struct model_worker *mine = &model->worker[worker];
    for (uint32_t place = 0; place < COUNTERS; place++)
      expect("counter", read_counter(worker, place), mine->counter[place]);
    for (uint32_t place = 0; place < CELLS; place++)
      expect("cell", read_cell(worker, place), mine->cell[place]);
  }
  expect("cells", (int64_t)mc_list_size(model_list_of_cells), WORKERS * CELLS);
  mc_batch_free(&batch);
}
