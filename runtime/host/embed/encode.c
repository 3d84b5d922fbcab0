/* Values to a message of the codec (wire/format.h). */
#include "host/embed/runtime.h"
#include "wire/format.h"

static bool put_byte(struct embed_buffer *out, unsigned byte) {
  unsigned char one = (unsigned char)byte;
  return embed_append(out, &one, 1);
}

static bool put_varint(struct embed_buffer *out, uint64_t number) {
  unsigned char bytes[WIRE_VARINT_MAX];
  return embed_append(out, bytes, (size_t)(wire_varint(bytes, number) - bytes));
}

static bool put_integer(struct embed_buffer *out, int64_t integer) {
  if (integer >= 0 && integer <= WIRE_SMALL_MAX)
    return put_byte(out, WIRE_SMALL_INTEGER | (unsigned)integer);
  uint64_t zigzag = (uint64_t)integer << 1 ^ (integer < 0 ? UINT64_MAX : 0);
  return put_byte(out, WIRE_INTEGER) && put_varint(out, zigzag);
}

static bool put_string(struct embed_buffer *out, const char *bytes, size_t length) {
  bool ok = length <= WIRE_SHORT_MAX
                ? put_byte(out, WIRE_SHORT_STRING | (unsigned)length)
                : put_byte(out, WIRE_STRING) && put_varint(out, length);
  return ok && embed_append(out, bytes, length);
}

static bool put_value(struct embed_buffer *out, struct embed_buffer *refs,
                      const mooncrew_value *value);

static bool put_table(struct embed_buffer *out, struct embed_buffer *refs,
                      const struct embed_table *table) {
  size_t left = table->n_entries, chunk = left < WIRE_PAIRS_MAX ? left : WIRE_PAIRS_MAX;
  const struct embed_entry *entry = table->entries;
  if (!put_byte(out, WIRE_TABLE) || !put_varint(out, table->n_items) ||
      !put_byte(out, (unsigned)chunk))
    return false;
  for (size_t i = 0; i < table->n_items; i++)
    if (!put_value(out, refs, &table->items[i]))
      return false;
  for (;;) {
    for (size_t i = 0; i < chunk; i++, entry++)
      if (!put_value(out, refs, &entry->key) || !put_value(out, refs, &entry->value))
        return false;
    if (chunk < WIRE_PAIRS_MAX)
      return true;
    left -= chunk;
    chunk = left < WIRE_PAIRS_MAX ? left : WIRE_PAIRS_MAX;
    if (!put_byte(out, (unsigned)chunk))
      return false;
  }
}

static bool put_value(struct embed_buffer *out, struct embed_buffer *refs,
                      const mooncrew_value *value) {
  switch (value->type) {
  case MOONCREW_BOOLEAN:
    return put_byte(out, value->boolean ? WIRE_TRUE : WIRE_FALSE);
  case MOONCREW_INTEGER:
    return put_integer(out, value->integer);
  case MOONCREW_NUMBER:
    return put_byte(out, WIRE_FLOAT) &&
           embed_append(out, &value->number, sizeof value->number);
  case MOONCREW_STRING:
    return put_string(out, value->string.bytes, value->string.length);
  case MOONCREW_TABLE:
    return put_table(out, refs, value->table);
  case MOONCREW_OBJECT:
    return put_byte(out, WIRE_HANDLE) &&
           put_varint(out, (refs->length - refs->start) / sizeof(uint32_t)) &&
           embed_append(refs, &value->object->ref, sizeof(uint32_t));
  default:
    return put_byte(out, WIRE_NIL);
  }
}

static bool put_all(struct embed_buffer *out, struct embed_buffer *refs,
                    const mooncrew_values *values) {
  for (size_t i = 0; i < mooncrew_values_count(values); i++)
    if (!put_value(out, refs, &values->open[0]->items[i]))
      return false;
  return true;
}

static bool are_of(const mooncrew *runtime, const mooncrew_values *values) {
  for (size_t i = 0; i < values->n_objects; i++)
    if (!embed_object_is_of(values->objects[i], runtime))
      return false;
  return true;
}

int embed_encode(const mooncrew *runtime, const mooncrew_values *first,
                 const mooncrew_values *values, struct embed_buffer *out,
                 struct embed_buffer *refs) {
  const mooncrew_values *both[] = {first, values};
  size_t count = 0;
  for (int i = 0; i < 2; i++) {
    if (!both[i])
      continue;
    int code = embed_values_check(both[i]);
    if (code)
      return code;
    if (!are_of(runtime, both[i]))
      return MOONCREW_EINVAL;
    count += mooncrew_values_count(both[i]);
  }
  bool ok =
      put_varint(out, count) && put_all(out, refs, first) && put_all(out, refs, values);
  return ok ? MOONCREW_OK : MOONCREW_ENOMEM;
}
