#include "wire/identity.h"

#include "wire/state.h"

#include <string.h>

#define FIRST_CAPACITY 64

static uint32_t shift_of(uint32_t capacity) {
  uint32_t bits = 0;
  while ((1u << bits) < capacity)
    bits++;
  return 64 - bits;
}

void wire_identity_grow(lua_State *L, struct wire_identity *map) {
  struct wire_identity larger = {.epoch = 1};
  larger.capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY;
  larger.shift = shift_of(larger.capacity);
  size_t size = (size_t)larger.capacity * sizeof *larger.entries;
  larger.entries = wire_realloc(L, NULL, 0, size);
  memset(larger.entries, 0, size);
  for (uint32_t i = 0; i < map->capacity; i++) {
    const struct wire_entry *old = &map->entries[i];
    if (wire_identity_taken(map, old))
      wire_identity_take(&larger, wire_identity_entry(&larger, old->key), old->key,
                         old->offset);
  }
  wire_identity_free(L, map);
  *map = larger;
}

void wire_identity_free(lua_State *L, struct wire_identity *map) {
  wire_free(L, map->entries, (size_t)map->capacity * sizeof *map->entries);
  *map = (struct wire_identity){.epoch = 1};
}

void wire_identity_clear(struct wire_identity *map) {
  map->count = 0;
  if (++map->epoch)
    return;
  /* The epochs start anew: entries of the last round must not look current. */
  map->epoch = 1;
  for (uint32_t i = 0; i < map->capacity; i++)
    map->entries[i].epoch = 0;
}
