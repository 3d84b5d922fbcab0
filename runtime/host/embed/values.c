/* Building lists of values. */
#include "host/embed/values.h"

#define FIRST_TEXT 240  /* bytes of strings that a small list has room for */
#define MORE_TEXT  4000 /* and what is added at a time */

struct embed_text {
  struct embed_text *next;
  size_t used, size;
  char bytes[];
};

mooncrew_values *mooncrew_values_new(void) {
  mooncrew_values *values = embed_new(sizeof *values);
  if (!values)
    return NULL;
  values->magic = EMBED_VALUES;
  values->n_open = 1;
  values->open[0] = embed_table_new(values);
  if (values->open[0])
    return values;
  mooncrew_values_free(values);
  return NULL;
}

void mooncrew_values_free(mooncrew_values *values) {
  if (!embed_are_values(values))
    return;
  values->magic = 0;
  for (struct embed_table *table = values->tables, *next; table; table = next) {
    next = table->next;
    embed_free(table->items);
    embed_free(table->entries);
    embed_free(table);
  }
  for (struct embed_text *text = values->texts, *next; text; text = next) {
    next = text->next;
    embed_free(text);
  }
  for (size_t i = 0; i < values->n_objects; i++)
    mooncrew_object_free(values->objects[i]);
  embed_free(values->objects);
  embed_free(values);
}

struct embed_table *embed_table_new(mooncrew_values *values) {
  struct embed_table *table = embed_new(sizeof *table);
  if (table) {
    table->next = values->tables;
    values->tables = table;
  }
  return table;
}

char *embed_text_new(mooncrew_values *values, size_t length) {
  struct embed_text *text = values->texts;
  if (!text || text->size - text->used <= length) {
    size_t size = text ? MORE_TEXT : FIRST_TEXT;
    if (size <= length)
      size = length + 1;
    if (size < length || !(text = embed_resize(NULL, sizeof *text + size)))
      return NULL;
    *text = (struct embed_text){.next = values->texts, .size = size};
    values->texts = text;
  }
  char *bytes = text->bytes + text->used;
  text->used += length + 1;
  bytes[length] = '\0';
  return bytes;
}

bool embed_table_room(struct embed_table *table, size_t n) {
  if (n == 0)
    return true;
  if (n > SIZE_MAX / sizeof *table->items)
    return false;
  table->items = embed_resize(NULL, n * sizeof *table->items);
  table->max_items = table->items ? n : 0;
  return table->items;
}

bool embed_table_set(struct embed_table *table, const mooncrew_value *key,
                     const mooncrew_value *value) {
  if (!embed_grow(&table->entries, &table->max_entries, table->n_entries,
                  sizeof *table->entries))
    return false;
  table->entries[table->n_entries++] = (struct embed_entry){*key, *value};
  return true;
}

int embed_values_check(const mooncrew_values *values) {
  if (!embed_are_values(values))
    return MOONCREW_EINVAL;
  if (values->failure)
    return values->failure;
  return values->n_open == 1 ? MOONCREW_OK : MOONCREW_EINVAL;
}

/* ---- pushing ---- */

static bool usable(const mooncrew_values *values) {
  return embed_are_values(values) && !values->failure;
}

static int failed(mooncrew_values *values, int code) {
  if (!embed_are_values(values))
    return MOONCREW_EINVAL;
  if (!values->failure)
    values->failure = code;
  return values->failure;
}

static int push(mooncrew_values *values, const mooncrew_value *value) {
  if (!usable(values))
    return failed(values, MOONCREW_EINVAL);
  struct embed_table *table = values->open[values->n_open - 1];
  if (values->key.type != MOONCREW_NONE) {
    if (!embed_table_set(table, &values->key, value))
      return failed(values, MOONCREW_ENOMEM);
    values->key.type = MOONCREW_NONE;
    return MOONCREW_OK;
  }
  if (!embed_grow(&table->items, &table->max_items, table->n_items, sizeof *value))
    return failed(values, MOONCREW_ENOMEM);
  table->items[table->n_items++] = *value;
  return MOONCREW_OK;
}

int mooncrew_push_nil(mooncrew_values *values) {
  mooncrew_value value = {.type = MOONCREW_NIL};
  return push(values, &value);
}

int mooncrew_push_boolean(mooncrew_values *values, bool boolean) {
  mooncrew_value value = {.type = MOONCREW_BOOLEAN, .boolean = boolean};
  return push(values, &value);
}

int mooncrew_push_integer(mooncrew_values *values, int64_t integer) {
  mooncrew_value value = {.type = MOONCREW_INTEGER, .integer = integer};
  return push(values, &value);
}

int mooncrew_push_number(mooncrew_values *values, double number) {
  mooncrew_value value = {.type = MOONCREW_NUMBER, .number = number};
  return push(values, &value);
}

/* A value of those bytes, kept in the values; MOONCREW_NONE: no memory. */
static mooncrew_value text_value(mooncrew_values *values, enum mooncrew_type type,
                                 const void *bytes, size_t length) {
  mooncrew_value value = {.type = MOONCREW_NONE};
  char *kept = embed_text_new(values, length);
  if (kept) {
    if (length)
      memcpy(kept, bytes, length);
    value.type = type;
    value.string.bytes = kept;
    value.string.length = length;
  }
  return value;
}

int mooncrew_push_bytes(mooncrew_values *values, const void *bytes, size_t length) {
  if (!usable(values) || (!bytes && length))
    return failed(values, MOONCREW_EINVAL);
  mooncrew_value value = text_value(values, MOONCREW_STRING, bytes, length);
  if (value.type == MOONCREW_NONE)
    return failed(values, MOONCREW_ENOMEM);
  return push(values, &value);
}

int mooncrew_push_string(mooncrew_values *values, const char *string) {
  if (!string)
    return failed(values, MOONCREW_EINVAL);
  return mooncrew_push_bytes(values, string, strlen(string));
}

int embed_values_hold(mooncrew_values *values, mooncrew_object *object) {
  if (!embed_grow(&values->objects, &values->max_objects, values->n_objects,
                  sizeof object)) /* NOLINT: of a pointer, indeed */
    return MOONCREW_ENOMEM;
  __atomic_add_fetch(&object->holders, 1, __ATOMIC_RELAXED);
  values->objects[values->n_objects++] = object;
  return MOONCREW_OK;
}

int mooncrew_push_object(mooncrew_values *values, mooncrew_object *object) {
  mooncrew_value value = {.type = MOONCREW_OBJECT, .object = object};
  if (!embed_is_object(object) || !usable(values))
    return failed(values, MOONCREW_EINVAL);
  int code = embed_values_hold(values, object);
  return code ? failed(values, code) : push(values, &value);
}

/* ---- tables ---- */

int mooncrew_push_table(mooncrew_values *values) {
  if (!usable(values) || values->n_open == EMBED_DEPTH)
    return failed(values, MOONCREW_EINVAL);
  mooncrew_value value = {.type = MOONCREW_TABLE, .table = embed_table_new(values)};
  if (!value.table)
    return failed(values, MOONCREW_ENOMEM);
  int code = push(values, &value);
  if (!code)
    values->open[values->n_open++] = value.table;
  return code;
}

/* A key is due: in a table, and not after another one. */
static bool may_have_key(const mooncrew_values *values) {
  return usable(values) && values->n_open > 1 && values->key.type == MOONCREW_NONE;
}

int mooncrew_key(mooncrew_values *values, const char *key) {
  if (!key || !may_have_key(values))
    return failed(values, MOONCREW_EINVAL);
  values->key = text_value(values, MOONCREW_STRING, key, strlen(key));
  return values->key.type ? MOONCREW_OK : failed(values, MOONCREW_ENOMEM);
}

int mooncrew_key_integer(mooncrew_values *values, int64_t key) {
  if (!may_have_key(values))
    return failed(values, MOONCREW_EINVAL);
  values->key = (mooncrew_value){.type = MOONCREW_INTEGER, .integer = key};
  return MOONCREW_OK;
}

int mooncrew_end_table(mooncrew_values *values) {
  if (!may_have_key(values))
    return failed(values, MOONCREW_EINVAL);
  values->n_open--;
  return MOONCREW_OK;
}

/* ---- copying ---- */

static int copy(mooncrew_values *values, const mooncrew_value *from, mooncrew_value *to,
                size_t depth);

static int copy_table(mooncrew_values *values, const struct embed_table *from,
                      struct embed_table *to, size_t depth) {
  if (depth == EMBED_DEPTH)
    return MOONCREW_EINVAL; /* or without an end: a table may be in itself */
  if (!embed_table_room(to, from->n_items))
    return MOONCREW_ENOMEM;
  int code = MOONCREW_OK;
  for (size_t i = 0; i < from->n_items && !code; i++)
    code = copy(values, &from->items[i], &to->items[to->n_items++], depth + 1);
  for (size_t i = 0; i < from->n_entries && !code; i++) {
    mooncrew_value key, value;
    code = copy(values, &from->entries[i].key, &key, depth + 1);
    if (!code)
      code = copy(values, &from->entries[i].value, &value, depth + 1);
    if (!code && !embed_table_set(to, &key, &value))
      code = MOONCREW_ENOMEM;
  }
  return code;
}

static int copy(mooncrew_values *values, const mooncrew_value *from, mooncrew_value *to,
                size_t depth) {
  *to = *from;
  switch (from->type) {
  case MOONCREW_OBJECT:
    return embed_values_hold(values, from->object);
  case MOONCREW_CONSTANT:
  case MOONCREW_NONE:
    return MOONCREW_EINVAL;
  case MOONCREW_STRING:
    *to = text_value(values, from->type, from->string.bytes, from->string.length);
    return to->type ? MOONCREW_OK : MOONCREW_ENOMEM;
  case MOONCREW_TABLE:
    to->table = embed_table_new(values);
    return to->table ? copy_table(values, from->table, to->table, depth)
                     : MOONCREW_ENOMEM;
  default:
    return MOONCREW_OK;
  }
}

int mooncrew_push_value(mooncrew_values *values, const mooncrew_value *value) {
  mooncrew_value copied;
  if (!usable(values) || !value)
    return failed(values, MOONCREW_EINVAL);
  int code = copy(values, value, &copied, values->n_open);
  return code ? failed(values, code) : push(values, &copied);
}
