#include "torture/support/tables.h"

#include "share/dict.h"
#include "share/layout.h"
#include "share/list.h"
#include "share/object.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model before, after;
mc_ref the_table;

struct mc_value table_value(int64_t number) {
  static char digits[24];
  if (number % 2 == 0)
    return (struct mc_value){.form = MC_INTEGER, .integer = number};
  snprintf(digits, sizeof(digits), "%lld", (long long)number);
  return (struct mc_value){.form = MC_BYTES,
                           .message = {.bytes = digits, .length = strlen(digits)}};
}

int64_t table_number(const struct mc_batch *batch, size_t i) {
  const struct mc_item *item = mc_batch_item(batch, i);
  char digits[24] = {0};
  if (item->form == MC_INTEGER)
    return item->integer;
  if (item->form == MC_FLOAT)
    return (int64_t)item->number;
  if (item->n_handles)
    return -1;
  if (item->form != MC_BYTES || item->length >= sizeof(digits))
    fail("a value of form %u and %zu bytes", item->form, item->length);
  memcpy(digits, batch->bytes.data + item->at, item->length);
  return strtoll(digits, NULL, 10);
}

static void begin(void) {
  make_queue(0, 0, MC_RETURN);
  before.n = after.n = 0;
}

void setup_dict(void) {
  begin();
  if (mc_dict_create(&the_table) != 0)
    fail("no dict");
}

void setup_list(void) {
  begin();
  if (mc_list_create(&the_table) != 0)
    fail("no list");
}

static int64_t filling(uint64_t i) {
  return (int64_t)(2 * i + (i % 3 == 0));
}

void dict_fill(uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    struct mc_key key = {&i, sizeof(i), 1};
    struct mc_value value = table_value(filling(i));
    if (mc_dict_set(the_table, &key, &value) != 0)
      fail("no entry %lu", i);
    before.value[i] = after.value[i] = filling(i);
  }
  before.n = after.n = n;
}

void list_fill(uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    struct mc_value value = table_value(filling(i));
    if (mc_list_append(the_table, &value, 1) != 0)
      fail("no element %lu", i);
    before.value[i] = after.value[i] = filling(i);
  }
  before.n = after.n = n;
}

/* Which of the models the table is like: 1 before, 2 after, 3 both, 0 neither. */
static int compare(const struct model *found) {
  int like = 3;
  if (found->n != before.n)
    like &= ~1;
  if (found->n != after.n)
    like &= ~2;
  for (uint64_t i = 0; i < found->n && like; i++) {
    if (like & 1 && found->value[i] != before.value[i])
      like &= ~1;
    if (like & 2 && found->value[i] != after.value[i])
      like &= ~2;
  }
  return like;
}

static void judge(const struct model *found) {
  bool over = false;
  for (unsigned i = 0; i < ACTORS; i++)
    over = over || ledger->done[i];
  int like = compare(found);
  if (like == 0)
    fail("the table is neither what it was nor what it should be");
  if (over && !(like & 2))
    fail("the operation returned, and the table is what it was");
}

static struct model found;

void check_dict(void) {
  uint64_t n = before.n > after.n ? before.n : after.n;
  uint64_t there = 0;
  struct mc_batch batch = {0};
  for (uint64_t i = 0; i < n; i++) {
    struct mc_key key = {&i, sizeof(i), 1};
    mc_batch_empty(&batch);
    int rc = mc_dict_get(the_table, &key, &batch);
    if (rc < 0)
      fail("a get gave %d", rc);
    found.value[i] = rc ? table_number(&batch, 0) : ABSENT;
    there += (uint64_t)rc;
  }
  found.n = n;
  before.n = after.n = n;
  uint64_t others = mc_dict_has(the_table, &(struct mc_key){"other", 5, 0});
  if (mc_dict_size(the_table) != there + others)
    fail("%lu entries, says %lu", there + others, mc_dict_size(the_table));
  judge(&found);
  mc_batch_free(&batch);
  mc_object_drop(the_table);
}

void check_list(void) {
  struct mc_batch batch = {0};
  uint64_t version;
  int64_t n = mc_list_slice(the_table, 0, MODEL, SIZE_MAX, &version, &batch);
  if (n < 0 || (uint64_t)n != mc_list_size(the_table))
    fail("%ld elements, says %lu", n, mc_list_size(the_table));
  found.n = (uint64_t)n;
  for (int64_t i = 0; i < n; i++)
    found.value[i] = table_number(&batch, (size_t)i);
  judge(&found);
  mc_batch_free(&batch);
  mc_object_drop(the_table);
}

/* A use that finds what the dead one left, and changes nothing that is compared. */
static void use_dict(void) {
  struct mc_key key = {"other", 5, 0};
  struct mc_value one = {.form = MC_INTEGER, .integer = 1};
  struct mc_value result;
  int rc = mc_dict_increment(the_table, &key, &one, &one, &result);
  if (rc != 0 && mc_space->max_spans > 16)
    fail("another's increment gave %d", rc);
  mc_dict_size(the_table);
}

static void use_list(void) {
  struct mc_batch batch = {0};
  struct mc_value value = {.form = MC_INTEGER, .integer = 0};
  if (mc_list_append(the_table, &value, 1) == 0 && mc_list_pop(the_table, &batch) != 1)
    fail("another's append was lost");
  mc_batch_free(&batch);
}

static void kill_user(const struct scenario *scenario, long k, void (*use)(void)) {
  point_begin(scenario);
  struct actor victim = victim_start(0, &scenario->role);
  if (k == LONG_MAX)
    ledger->k = victim_finish(&victim);
  else
    victim_go(&victim, k);
  actor_kill(&victim);
  if (k % 2)
    use();
  point_end(scenario, k);
}

void kill_user_of_dict(const struct scenario *scenario, long k) {
  kill_user(scenario, k, use_dict);
}

void kill_user_of_list(const struct scenario *scenario, long k) {
  kill_user(scenario, k, use_list);
}
