/* Entries are copied a block at a time, so that writers never wait for the loop's body;
 * large values and handles are fetched one by one, when their turn comes. */
#include "bind/dict_walk.h"

#include "base/error.h"
#include "bind/dict.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/shared_value.h"
#include "share/dict.h"

#include <lauxlib.h>

struct walk {
  struct mc_batch *batch; /* a userdata, upvalue 2 of an iterator */
  mc_ref dict;
  uint64_t cursor;
  size_t at; /* the next item of the batch */
};

/* The next item; NULL at the end. */
static const struct mc_item *next_item(lua_State *L, struct walk *walk) {
  if (walk->at == mc_batch_count(walk->batch)) {
    mc_batch_empty(walk->batch);
    walk->at = 0;
    int n = mc_dict_next(walk->dict, &walk->cursor, BIND_ALONG, walk->batch);
    if (n < 0)
      bind_raise(L, "dict", n);
    if (n == 0)
      return NULL;
  }
  return mc_batch_item(walk->batch, walk->at++);
}

/* Pushes the value of the item whose key is on top. false: it is gone. */
static bool push_value(lua_State *L, const struct walk *walk,
                       const struct mc_item *item) {
  if (item->form != MC_ASK) {
    bind_push_item(L, walk->batch, (size_t)(item - mc_batch_item(walk->batch, 0)));
    return true;
  }
  struct bind_key key;
  bind_to_key(L, -1, "dict", &key);
  struct mc_batch *one = bind_batch();
  int found = mc_dict_get(walk->dict, &key.key, one);
  if (found < 0)
    bind_raise(L, "dict", found);
  if (found)
    bind_push_only(L, one);
  return found;
}

static int iterate(lua_State *L) {
  struct walk *walk = lua_touserdata(L, lua_upvalueindex(1));
  const struct mc_item *item;
  while ((item = next_item(L, walk)) != NULL) {
    lua_settop(L, 0);
    bind_push_key(L, walk->batch, item);
    if (push_value(L, walk, item))
      return 2;
  }
  lua_pushnil(L);
  return 1;
}

int bind_dict_pairs(lua_State *L) {
  mc_ref dict = bind_check_handle(L, 1, BIND_DICT_CLASS);
  struct walk *walk = lua_newuserdatauv(L, sizeof(*walk), 0);
  *walk = (struct walk){.dict = dict};
  walk->batch = bind_batch_new(L);
  lua_pushvalue(L, 1); /* keeps the dict */
  lua_pushcclosure(L, iterate, 3);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static int collect(lua_State *L, bool values) {
  mc_ref dict = bind_check_handle(L, 1, BIND_DICT_CLASS);
  lua_settop(L, 1);
  struct walk walk = {.dict = dict, .batch = bind_batch_new(L)};
  lua_newtable(L);
  const struct mc_item *item;
  for (lua_Integer n = 1; (item = next_item(L, &walk)) != NULL;) {
    bind_push_key(L, walk.batch, item);
    if (!values || push_value(L, &walk, item))
      lua_rawseti(L, 3, n++);
    lua_settop(L, 3);
  }
  return 1;
}

int bind_dict_keys(lua_State *L) {
  return collect(L, false);
}

int bind_dict_values(lua_State *L) {
  return collect(L, true);
}

void bind_dict_to_table(lua_State *L, int index) {
  int top = lua_gettop(L);
  struct walk walk = {.dict = bind_check_handle(L, index, BIND_DICT_CLASS)};
  walk.batch = bind_batch_new(L);
  lua_newtable(L);
  const struct mc_item *item;
  while ((item = next_item(L, &walk)) != NULL) {
    bind_push_key(L, walk.batch, item);
    if (push_value(L, &walk, item))
      lua_rawset(L, top + 2);
    lua_settop(L, top + 2);
  }
  lua_remove(L, top + 1);
}
