/* What the tests of shared tables have in common: keys and values from plain numbers and
 * strings, and what a copy of one says. */
#ifndef TESTS_UNIT_SHARE_TABLES_H
#define TESTS_UNIT_SHARE_TABLES_H

#include "support.h"

#include "share/dict.h"
#include "share/list.h"

#define TEXT MC_BYTES /* the form of strings in these tests */

static inline struct mc_key key_of(const char *text) {
  return (struct mc_key){text, (uint32_t)strlen(text), 0};
}

/* A key that is a number; `number` must live as long as the key. */
static inline struct mc_key key_number(const uint64_t *number) {
  return (struct mc_key){number, sizeof(*number), 1};
}

static inline struct mc_value integer(int64_t number) {
  return (struct mc_value){.form = MC_INTEGER, .integer = number};
}

static inline struct mc_value floating(double number) {
  return (struct mc_value){.form = MC_FLOAT, .number = number};
}

static inline struct mc_value nothing(void) {
  return (struct mc_value){.form = MC_NOTHING};
}

static inline struct mc_value bytes_of(const void *bytes, size_t length) {
  return (struct mc_value){.form = TEXT, .message = {.bytes = bytes, .length = length}};
}

static inline struct mc_value text(const char *string) {
  return bytes_of(string, strlen(string));
}

/* A value that is a handle; `object` must live as long as the value. */
static inline struct mc_value handle(const mc_ref *object) {
  return (struct mc_value){.form = TEXT + 1,
                           .message = {.handles = object, .n_handles = 1}};
}

static inline mc_ref new_dict(void) {
  mc_ref dict = 0;
  assert_int_equal(mc_dict_create(&dict), 0);
  return dict;
}

static inline mc_ref new_list(void) {
  mc_ref list = 0;
  assert_int_equal(mc_list_create(&list), 0);
  return list;
}

static inline int set(mc_ref dict, const char *name, struct mc_value value) {
  struct mc_key key = key_of(name);
  return mc_dict_set(dict, &key, &value);
}

/* The integer there; INT64_MIN when there is none. */
static inline int64_t get_integer(mc_ref dict, const struct mc_key *key) {
  struct mc_batch batch = {0};
  int64_t result = INT64_MIN;
  int rc = mc_dict_get(dict, key, &batch);
  assert_true(rc == 0 || rc == 1);
  if (rc == 1 && mc_batch_item(&batch, 0)->form == MC_INTEGER)
    result = mc_batch_item(&batch, 0)->integer;
  mc_batch_free(&batch);
  return result;
}

static inline int64_t get_named(mc_ref dict, const char *name) {
  struct mc_key key = key_of(name);
  return get_integer(dict, &key);
}

/* Checks that an item is that string. */
static inline void assert_text(const struct mc_batch *batch, size_t i,
                               const char *expected) {
  const struct mc_item *item = mc_batch_item(batch, i);
  assert_int_equal(item->form, TEXT);
  assert_int_equal(item->length, strlen(expected));
  assert_memory_equal(batch->bytes.data + item->at, expected, item->length);
}

static inline void assert_named_text(mc_ref dict, const char *name,
                                     const char *expected) {
  struct mc_batch batch = {0};
  struct mc_key key = key_of(name);
  assert_int_equal(mc_dict_get(dict, &key, &batch), 1);
  assert_text(&batch, 0, expected);
  mc_batch_free(&batch);
}

static inline int append_integer(mc_ref list, int64_t number) {
  struct mc_value value = integer(number);
  return mc_list_append(list, &value, 1);
}

/* The integer at i; INT64_MIN when there is none. */
static inline int64_t list_integer(mc_ref list, uint64_t i) {
  struct mc_batch batch = {0};
  int64_t result = INT64_MIN;
  if (mc_list_get(list, i, &batch) == 1 && mc_batch_item(&batch, 0)->form == MC_INTEGER)
    result = mc_batch_item(&batch, 0)->integer;
  mc_batch_free(&batch);
  return result;
}

#endif
