/* A map from pointers to offsets: what a message has met already.
 *
 * Open addressing. Clearing is one increment: an entry counts only when its epoch is the
 * map's. Memory is the Lua state's allocator's. */
#ifndef MC_WIRE_IDENTITY_H
#define MC_WIRE_IDENTITY_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct wire_entry {
  const void *key;
  uint32_t epoch;
  uint32_t offset;
};

struct wire_identity {
  struct wire_entry *entries; /* NULL until the first reserve */
  uint32_t capacity;          /* a power of two */
  uint32_t shift; /* 64 - log2(capacity): the hash is in the product's top bits */
  uint32_t count;
  uint32_t epoch; /* never 0 while there are entries */
};

/* Doubles the capacity; raises when there is no memory, the map is then as it was. */
void wire_identity_grow(lua_State *L, struct wire_identity *map);

void wire_identity_free(lua_State *L, struct wire_identity *map);

/* Forgets everything, in constant time but once in 4 billion times. */
void wire_identity_clear(struct wire_identity *map);

/* Makes room for one more entry; raises when there is no memory. */
static inline void wire_identity_reserve(lua_State *L, struct wire_identity *map) {
  if (map->count >= map->capacity - map->capacity / 4)
    wire_identity_grow(L, map);
}

/* The entry of `key`, or the free one where it belongs. Room must have been reserved. */
static inline struct wire_entry *wire_identity_entry(const struct wire_identity *map,
                                                     const void *key) {
  uint64_t hash = (uint64_t)((uintptr_t)key >> 3) * 0x9e3779b97f4a7c15u;
  uint32_t i = (uint32_t)(hash >> map->shift);
  for (;; i = (i + 1) & (map->capacity - 1)) {
    struct wire_entry *entry = &map->entries[i];
    if (entry->epoch != map->epoch || entry->key == key)
      return entry;
  }
}

static inline bool wire_identity_taken(const struct wire_identity *map,
                                       const struct wire_entry *entry) {
  return entry->epoch == map->epoch;
}

/* Takes a free entry that wire_identity_entry returned. */
static inline void wire_identity_take(struct wire_identity *map, struct wire_entry *entry,
                                      const void *key, uint32_t offset) {
  *entry = (struct wire_entry){.key = key, .epoch = map->epoch, .offset = offset};
  map->count++;
}

static inline bool wire_identity_has(const struct wire_identity *map, const void *key) {
  return map->count && wire_identity_taken(map, wire_identity_entry(map, key));
}

#endif
