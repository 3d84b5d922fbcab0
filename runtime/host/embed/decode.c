/* A message of the codec to values.
 *
 * Without recursion: the stack of a host's thread may be small. Tables below one another
 * are a list of levels; a table has its place in its parent before it is filled, so one
 * that holds itself is no special case. The bytes come from our helper, but may be
 * damaged: nothing outside of them is read, and no table is made larger than they can
 * fill. */
#include "host/embed/values.h"
#include "wire/format.h"

#define MAX_DEPTH 4096

struct level {
  struct embed_table *table;
  uint64_t items; /* to come */
  unsigned pairs; /* to come in this chunk */
  bool more;      /* another chunk follows */
  bool classed;   /* a metatable is the last to come */
  bool metatable; /* it was read, or is being read */
  bool has_key;
  mooncrew_value key;
};

/* What a REF may lead to. */
struct shared {
  uint64_t offset;
  mooncrew_value value;
};

struct decoder {
  mooncrew_values *values;
  const unsigned char *start, *at, *end;
  mooncrew_object *const *objects;
  uint32_t n_objects;
  size_t claimed;
  struct level *levels;
  size_t n_levels, max_levels;
  struct shared *shared; /* in the order of their offsets */
  size_t n_shared, max_shared;
  const char *why; /* what is wrong; NULL with a failure: no memory */
};

static bool bad(struct decoder *d, const char *why) {
  d->why = why;
  return false;
}

static bool damaged(struct decoder *d) {
  return bad(d, "bytes that are not a valid message");
}

static size_t left(const struct decoder *d) {
  return (size_t)(d->end - d->at);
}

static bool get_byte(struct decoder *d, unsigned *byte) {
  if (d->at == d->end)
    return damaged(d);
  *byte = *d->at++;
  return true;
}

static bool get_varint(struct decoder *d, uint64_t *number) {
  *number = 0;
  for (unsigned shift = 0, byte; shift < 64; shift += 7) {
    if (!get_byte(d, &byte))
      return false;
    *number |= (uint64_t)(byte & 0x7f) << shift;
    if (byte <= 0x7f)
      return true;
  }
  return damaged(d);
}

static bool get_text(struct decoder *d, enum mooncrew_type type, uint64_t length,
                     mooncrew_value *value) {
  if (length > left(d))
    return damaged(d);
  char *text = embed_text_new(d->values, (size_t)length);
  if (!text)
    return false;
  memcpy(text, d->at, (size_t)length);
  d->at += length;
  value->type = type;
  value->string.bytes = text;
  value->string.length = (size_t)length;
  return true;
}

/* A class or a constant by its name; the letter in front says which. */
static bool get_registered(struct decoder *d, mooncrew_value *value) {
  unsigned tag, kind;
  uint64_t length;
  if (!get_byte(d, &tag))
    return false;
  if (tag & WIRE_SHORT_STRING && !(tag & WIRE_SMALL_INTEGER))
    length = tag & WIRE_SHORT_MAX;
  else if (tag != WIRE_STRING)
    return damaged(d);
  else if (!get_varint(d, &length))
    return false;
  if (length < 1 || length > left(d))
    return damaged(d);
  get_byte(d, &kind);
  (void)kind;
  return get_text(d, MOONCREW_CONSTANT, length - 1, value);
}

static bool remember(struct decoder *d, uint64_t offset, const mooncrew_value *value) {
  if (!embed_grow(&d->shared, &d->max_shared, d->n_shared, sizeof *d->shared))
    return false;
  d->shared[d->n_shared++] = (struct shared){offset, *value};
  return true;
}

static bool recall(struct decoder *d, mooncrew_value *value) {
  uint64_t offset;
  if (!get_varint(d, &offset))
    return false;
  size_t low = 0, high = d->n_shared;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (d->shared[middle].offset < offset)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == d->n_shared || d->shared[low].offset != offset)
    return damaged(d);
  *value = d->shared[low].value;
  return true;
}

static bool get_handle(struct decoder *d, mooncrew_value *value) {
  uint64_t index;
  if (!get_varint(d, &index))
    return false;
  if (index >= d->n_objects)
    return damaged(d);
  value->type = MOONCREW_OBJECT;
  value->object = d->objects[index];
  return embed_values_hold(d->values, value->object) == MOONCREW_OK;
}

/* Opens a level for what is in the table. */
static bool get_table(struct decoder *d, bool classed, mooncrew_value *value) {
  uint64_t items;
  unsigned pairs;
  if (!get_varint(d, &items) || !get_byte(d, &pairs))
    return false;
  if (items > left(d) || (d->claimed += (size_t)items) > (size_t)(d->end - d->start))
    return damaged(d);
  if (d->n_levels == MAX_DEPTH)
    return bad(d, "tables that are nested too deeply");
  struct embed_table *table = embed_table_new(d->values);
  if (!table || !embed_table_room(table, (size_t)items) ||
      !embed_grow(&d->levels, &d->max_levels, d->n_levels, sizeof *d->levels))
    return false;
  d->levels[d->n_levels++] = (struct level){.table = table,
                                            .items = items,
                                            .pairs = pairs,
                                            .more = pairs == WIRE_PAIRS_MAX,
                                            .classed = classed};
  value->type = MOONCREW_TABLE;
  value->table = table;
  return true;
}

static bool get_scalar(struct decoder *d, unsigned tag, mooncrew_value *value) {
  uint64_t number;
  switch (tag) {
  case WIRE_NIL:
    value->type = MOONCREW_NIL;
    return true;
  case WIRE_FALSE:
  case WIRE_TRUE:
    value->type = MOONCREW_BOOLEAN;
    value->boolean = tag == WIRE_TRUE;
    return true;
  case WIRE_INTEGER:
    if (!get_varint(d, &number))
      return false;
    value->type = MOONCREW_INTEGER;
    value->integer = (int64_t)(number >> 1 ^ (number & 1 ? UINT64_MAX : 0));
    return true;
  case WIRE_FLOAT:
    if (left(d) < sizeof value->number)
      return damaged(d);
    value->type = MOONCREW_NUMBER;
    memcpy(&value->number, d->at, sizeof value->number);
    d->at += sizeof value->number;
    return true;
  case WIRE_STRING:
    return get_varint(d, &number) && get_text(d, MOONCREW_STRING, number, value);
  case WIRE_REGISTERED:
    return get_registered(d, value);
  case WIRE_REF:
    return recall(d, value);
  case WIRE_FUNCTION:
    return bad(d, "a function");
  case WIRE_NAMED:
    return bad(d, "a function or a module that crosses by name");
  case WIRE_GLOBALS:
    return bad(d, "the table of globals");
  default:
    return damaged(d);
  }
}

static bool get_value(struct decoder *d, mooncrew_value *value) {
  uint64_t offset = (uint64_t)(d->at - d->start);
  unsigned tag;
  if (!get_byte(d, &tag))
    return false;
  if (tag & WIRE_SMALL_INTEGER) {
    value->type = MOONCREW_INTEGER;
    value->integer = tag & WIRE_SMALL_MAX;
    return true;
  }
  if (tag & WIRE_SHORT_STRING)
    return get_text(d, MOONCREW_STRING, tag & WIRE_SHORT_MAX, value);
  unsigned bare = tag & ~(unsigned)WIRE_SHARED;
  bool ok;
  if (bare == WIRE_TABLE || bare == WIRE_CLASSED)
    ok = get_table(d, bare == WIRE_CLASSED, value);
  else if (bare == WIRE_HANDLE)
    ok = get_handle(d, value);
  else
    ok = get_scalar(d, bare, value);
  return ok && (!(tag & WIRE_SHARED) || remember(d, offset, value));
}

/* Reads the next value of the innermost table, or closes it. The level may move while it
 * is read: another one may be opened. */
static bool step(struct decoder *d) {
  size_t here = d->n_levels - 1;
  struct level *level = &d->levels[here];
  mooncrew_value value = {.type = MOONCREW_NIL};
  if (level->items) {
    struct embed_table *table = level->table;
    level->items--;
    return get_value(d, &value) && (table->items[table->n_items++] = value, true);
  }
  if (level->pairs) {
    if (!level->has_key) {
      level->has_key = true;
      return get_value(d, &value) && (d->levels[here].key = value, true);
    }
    level->has_key = false;
    level->pairs--;
    mooncrew_value key = level->key;
    struct embed_table *table = level->table;
    return get_value(d, &value) && embed_table_set(table, &key, &value);
  }
  if (level->more) {
    if (!get_byte(d, &level->pairs))
      return false;
    level->more = level->pairs == WIRE_PAIRS_MAX;
    return true;
  }
  if (level->classed && !level->metatable) {
    level->metatable = true;
    return get_value(d, &value); /* a host has no use for it */
  }
  d->n_levels--;
  return true;
}

static bool get_all(struct decoder *d) {
  uint64_t count;
  if (!get_varint(d, &count))
    return false;
  if (count > left(d))
    return damaged(d);
  struct embed_table *list = d->values->open[0];
  if (!embed_table_room(list, (size_t)count))
    return false;
  while (count--) {
    mooncrew_value value = {.type = MOONCREW_NIL};
    if (!get_value(d, &value))
      return false;
    list->items[list->n_items++] = value;
    while (d->n_levels)
      if (!step(d))
        return false;
  }
  return d->at == d->end || damaged(d);
}

int embed_decode(const unsigned char *bytes, size_t length,
                 mooncrew_object *const *objects, uint32_t n_objects,
                 mooncrew_values **out, const char **why) {
  struct decoder d = {.start = bytes,
                      .at = bytes,
                      .end = bytes + length,
                      .objects = objects,
                      .n_objects = n_objects};
  d.values = mooncrew_values_new();
  bool ok = d.values && get_all(&d);
  embed_free(d.levels);
  embed_free(d.shared);
  if (ok) {
    *out = d.values;
    return MOONCREW_OK;
  }
  mooncrew_values_free(d.values);
  *why = d.why;
  return d.why ? MOONCREW_EVALUE : MOONCREW_ENOMEM;
}
