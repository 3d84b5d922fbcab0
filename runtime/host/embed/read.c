/* Reading values. */
#include "host/embed/values.h"

size_t mooncrew_values_count(const mooncrew_values *values) {
  return embed_are_values(values) ? values->open[0]->n_items : 0;
}

const mooncrew_value *mooncrew_values_at(const mooncrew_values *values, size_t place) {
  return place < mooncrew_values_count(values) ? &values->open[0]->items[place] : NULL;
}

enum mooncrew_type mooncrew_value_type(const mooncrew_value *value) {
  return value ? value->type : MOONCREW_NONE;
}

int mooncrew_value_boolean(const mooncrew_value *value, bool *out) {
  if (mooncrew_value_type(value) != MOONCREW_BOOLEAN)
    return MOONCREW_EVALUE;
  *out = value->boolean;
  return MOONCREW_OK;
}

int mooncrew_value_integer(const mooncrew_value *value, int64_t *out) {
  enum mooncrew_type type = mooncrew_value_type(value);
  if (type == MOONCREW_INTEGER) {
    *out = value->integer;
    return MOONCREW_OK;
  }
  /* 2^63 is the first float that is too large; its negative fits */
  if (type != MOONCREW_NUMBER || !(value->number >= -0x1p63 && value->number < 0x1p63) ||
      (double)(int64_t)value->number != value->number)
    return MOONCREW_EVALUE;
  *out = (int64_t)value->number;
  return MOONCREW_OK;
}

int mooncrew_value_number(const mooncrew_value *value, double *out) {
  enum mooncrew_type type = mooncrew_value_type(value);
  if (type != MOONCREW_INTEGER && type != MOONCREW_NUMBER)
    return MOONCREW_EVALUE;
  *out = type == MOONCREW_NUMBER ? value->number : (double)value->integer;
  return MOONCREW_OK;
}

int mooncrew_value_string(const mooncrew_value *value, const char **out, size_t *length) {
  enum mooncrew_type type = mooncrew_value_type(value);
  if (type != MOONCREW_STRING && type != MOONCREW_CONSTANT)
    return MOONCREW_EVALUE;
  *out = value->string.bytes;
  if (length)
    *length = value->string.length;
  return MOONCREW_OK;
}

static const struct embed_table *table_of(const mooncrew_value *value) {
  return mooncrew_value_type(value) == MOONCREW_TABLE ? value->table : NULL;
}

size_t mooncrew_value_length(const mooncrew_value *value) {
  const struct embed_table *table = table_of(value);
  return table ? table->n_items : 0;
}

const mooncrew_value *mooncrew_value_item(const mooncrew_value *value, int64_t key) {
  const struct embed_table *table = table_of(value);
  if (!table)
    return NULL;
  if (key >= 1 && (uint64_t)key <= table->n_items)
    return &table->items[key - 1];
  for (size_t i = 0; i < table->n_entries; i++)
    if (table->entries[i].key.type == MOONCREW_INTEGER &&
        table->entries[i].key.integer == key)
      return &table->entries[i].value;
  return NULL;
}

const mooncrew_value *mooncrew_value_field(const mooncrew_value *value, const char *key) {
  const struct embed_table *table = table_of(value);
  size_t length = key ? strlen(key) : 0;
  for (size_t i = 0; table && key && i < table->n_entries; i++) {
    const mooncrew_value *mine = &table->entries[i].key;
    if (mine->type == MOONCREW_STRING && mine->string.length == length &&
        !memcmp(mine->string.bytes, key, length))
      return &table->entries[i].value;
  }
  return NULL;
}

size_t mooncrew_value_count(const mooncrew_value *value) {
  const struct embed_table *table = table_of(value);
  return table ? table->n_entries : 0;
}

int mooncrew_value_entry(const mooncrew_value *value, size_t place,
                         const mooncrew_value **key, const mooncrew_value **out) {
  const struct embed_table *table = table_of(value);
  if (!table || place >= table->n_entries)
    return MOONCREW_EVALUE;
  *key = &table->entries[place].key;
  *out = &table->entries[place].value;
  return MOONCREW_OK;
}
