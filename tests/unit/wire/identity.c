/* The pointer map: growth, clearing, and the turn of its epochs. */
#include "fixture.h"

#include "wire/identity.h"

static char places[10000];

static void put(lua_State *L, struct wire_identity *map, const void *key,
                uint32_t offset) {
  wire_identity_reserve(L, map);
  struct wire_entry *entry = wire_identity_entry(map, key);
  assert_false(wire_identity_taken(map, entry));
  wire_identity_take(map, entry, key, offset);
}

static void growth(void **state) {
  (void)state;
  lua_State *L = luaL_newstate();
  struct wire_identity map = {.epoch = 1};
  assert_false(wire_identity_has(&map, places));
  for (uint32_t i = 0; i < sizeof places; i++)
    put(L, &map, places + i, i);
  for (uint32_t i = 0; i < sizeof places; i++) {
    const struct wire_entry *entry = wire_identity_entry(&map, places + i);
    assert_true(wire_identity_taken(&map, entry));
    assert_int_equal(entry->offset, i);
  }
  assert_int_equal(map.count, sizeof places);
  assert_false(wire_identity_has(&map, &map));
  wire_identity_free(L, &map);
  assert_null(map.entries);
  lua_close(L);
}

/* Entries of an epoch that comes round again must not be taken for new ones. */
static void clearing(void **state) {
  (void)state;
  lua_State *L = luaL_newstate();
  struct wire_identity map = {.epoch = 1};
  put(L, &map, places, 1);
  wire_identity_clear(&map);
  assert_false(wire_identity_has(&map, places));
  put(L, &map, places + 800, 2);
  assert_true(wire_identity_has(&map, places + 800));
  map.epoch = UINT32_MAX;
  map.count = 0;
  wire_identity_clear(&map);
  put(L, &map, places + 1600, 3);
  assert_true(wire_identity_has(&map, places + 1600));
  assert_false(wire_identity_has(&map, places));
  assert_false(wire_identity_has(&map, places + 800));
  wire_identity_free(L, &map);
  lua_close(L);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(growth),
      cmocka_unit_test(clearing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
