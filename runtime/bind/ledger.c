#include "bind/ledger.h"

#include <lauxlib.h>
#include <stdlib.h>

#define FIRST_SIZE 64

static uint32_t slot_of(uint64_t id) {
  return (uint32_t)id;
}

/* Sees to it that there is a slot for one more. */
static void reserve(lua_State *L, struct bind_ledger *ledger) {
  if (ledger->free || ledger->high + 1 < ledger->size)
    return;
  uint32_t size = ledger->size ? 2 * ledger->size : FIRST_SIZE;
  struct bind_entry *entries =
      size > ledger->size ? realloc(ledger->entries, size * sizeof *entries) : NULL;
  if (!entries)
    luaL_error(L, "not enough memory");
  ledger->entries = entries;
  ledger->size = size;
}

uint64_t bind_ledger_enter(lua_State *L, struct bind_ledger *ledger, int tasks,
                           int object, lua_Integer item) {
  reserve(L, ledger);
  uint32_t slot = ledger->free ? ledger->free : ledger->high + 1;
  lua_pushvalue(L, object);
  lua_rawseti(L, tasks, slot); /* raises when the table can't grow */
  struct bind_entry *entry = &ledger->entries[slot];
  if (ledger->free)
    ledger->free = entry->next;
  else
    ledger->high = slot;
  ledger->n++;
  *entry = (struct bind_entry){.id = ++ledger->last << 32 | slot, .item = item};
  return entry->id;
}

struct bind_entry *bind_ledger_find(const struct bind_ledger *ledger, uint64_t id) {
  uint32_t slot = slot_of(id);
  if (slot == 0 || slot > ledger->high || ledger->entries[slot].id != id)
    return NULL;
  return &ledger->entries[slot];
}

void bind_ledger_push(lua_State *L, int tasks, const struct bind_entry *entry) {
  lua_rawgeti(L, tasks, slot_of(entry->id));
}

void bind_ledger_replace(lua_State *L, int tasks, struct bind_entry *entry) {
  lua_rawseti(L, tasks, slot_of(entry->id));
  entry->item = BIND_TASK;
}

void bind_ledger_leave(lua_State *L, struct bind_ledger *ledger, int tasks,
                       struct bind_entry *entry) {
  uint32_t slot = slot_of(entry->id);
  *entry = (struct bind_entry){.next = ledger->free};
  ledger->free = slot;
  ledger->n--;
  lua_pushboolean(L, false);
  lua_rawseti(L, tasks, slot);
}

void bind_ledger_free(struct bind_ledger *ledger) {
  free(ledger->entries);
  *ledger = (struct bind_ledger){0};
}
