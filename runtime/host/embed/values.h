/* Lists of values: a tree that is built by pushing or from a message, and read. */
#ifndef MC_EMBED_VALUES_H
#define MC_EMBED_VALUES_H

#include "host/embed/memory.h"
#include "include/mooncrew.h"

#define EMBED_VALUES                                                                     \
  0x6d637661u /* what these begin with: a handle may be of another kind */
#define EMBED_OBJECT 0x6d636f62u
#define EMBED_DEPTH  200 /* tables in tables that a host may build */

struct mooncrew_value {
  enum mooncrew_type type;
  union {
    bool boolean;
    int64_t integer;
    double number;
    struct {
      const char *bytes; /* and a 0 */
      size_t length;
    } string; /* of a constant too: its name */
    struct embed_table *table;
    mooncrew_object *object; /* one of the values' */
  };
};

struct embed_entry {
  mooncrew_value key, value;
};

struct embed_table {
  mooncrew_value *items; /* keys 1 to n_items */
  size_t n_items, max_items;
  struct embed_entry *entries; /* the other keys */
  size_t n_entries, max_entries;
  struct embed_table *next; /* of the same list of values */
};

struct embed_text; /* strings' bytes */

/* A handle of an object of a runtime. */
struct mooncrew_object {
  uint32_t magic;
  mooncrew *runtime;
  uint64_t serial; /* the runtime's: another one may get its place in memory */
  uint32_t ref;
  unsigned holders;      /* atomic: handles of the caller, and lists of values */
  mooncrew_object *next; /* of those that nobody holds any more */
};

struct mooncrew_values {
  uint32_t magic;
  int failure; /* the first of a push; or MOONCREW_OK */
  struct embed_table *tables;
  struct embed_text *texts;
  mooncrew_object **objects; /* held by the values */
  size_t n_objects, max_objects;
  struct embed_table *open[EMBED_DEPTH]; /* open[0] is the list itself */
  size_t n_open;
  mooncrew_value key; /* of the next push; MOONCREW_NONE: none */
};

static inline bool embed_are_values(const mooncrew_values *values) {
  return values && values->magic == EMBED_VALUES;
}

static inline bool embed_is_object(const mooncrew_object *object) {
  return object && object->magic == EMBED_OBJECT;
}

/* Whether they can be sent: MOONCREW_OK, MOONCREW_EINVAL (not values, or not finished),
 * or the first failure of a push. */
int embed_values_check(const mooncrew_values *values);

/* A table, or the bytes of a string with a 0 behind, that belong to the values; NULL: no
 * memory. */
struct embed_table *embed_table_new(mooncrew_values *values);
char *embed_text_new(mooncrew_values *values, size_t length);

/* Room for exactly n items, in an empty table. */
bool embed_table_room(struct embed_table *table, size_t n);
bool embed_table_set(struct embed_table *table, const mooncrew_value *key,
                     const mooncrew_value *value);

/* The values hold the object too; MOONCREW_OK or MOONCREW_ENOMEM. */
int embed_values_hold(mooncrew_values *values, mooncrew_object *object);

/* Whether it is an object of that very runtime. */
bool embed_object_is_of(const mooncrew_object *object, const mooncrew *runtime);

/* A new object with one holder; NULL: no memory. Letting go of it:
 * mooncrew_object_free().
 */
mooncrew_object *embed_object_new(mooncrew *runtime, uint64_t serial, uint32_t ref);

/* Adds the values as a message of the codec to `out`, with `first` in front of them;
 * their references to `refs`. NULL values are none. MOONCREW_OK, MOONCREW_EINVAL (not
 * finished, not values, or with objects of another runtime), MOONCREW_ENOMEM or the first
 * failure of a push. */
int embed_encode(const mooncrew *runtime, const mooncrew_values *first,
                 const mooncrew_values *values, struct embed_buffer *out,
                 struct embed_buffer *refs);

/* Reads a message, whose references are those objects. MOONCREW_OK and *out;
 * MOONCREW_ENOMEM; MOONCREW_EVALUE: it holds what a host can't have, *why says what. */
int embed_decode(const unsigned char *bytes, size_t length,
                 mooncrew_object *const *objects, uint32_t n_objects,
                 mooncrew_values **out, const char **why);

#endif
