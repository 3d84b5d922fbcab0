#include "bind/shared_value.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/shared_table.h"
#include "wire/wire.h"

#include <lauxlib.h>
#include <math.h>

#define BATCH_CLASS "mooncrew.batch"
#define KEEP        ((size_t)1 << 20) /* a larger batch is not kept */

enum key_kind { KEY_STRING, KEY_INTEGER, KEY_FLOAT, KEY_BOOLEAN };

void bind_to_key(lua_State *L, int index, const char *function, struct bind_key *key) {
  int is_integer;
  switch (lua_type(L, index)) {
  case LUA_TSTRING: {
    size_t n;
    key->key.bytes = lua_tolstring(L, index, &n);
    if (n > UINT32_MAX)
      luaL_error(L, "%s: the key is too long", function);
    key->key.length = (uint32_t)n;
    key->key.kind = KEY_STRING;
    return;
  }
  case LUA_TNUMBER:
    key->key.bytes = &key->integer;
    key->key.length = sizeof(key->integer);
    key->integer = lua_tointegerx(L, index, &is_integer); /* 1.0 is the key 1 */
    key->key.kind = is_integer ? KEY_INTEGER : KEY_FLOAT;
    if (is_integer)
      return;
    key->number = lua_tonumber(L, index);
    if (isnan(key->number))
      luaL_error(L, "%s: a string, a number or a boolean expected as the key, got NaN",
                 function);
    return;
  case LUA_TBOOLEAN:
    key->boolean = (char)lua_toboolean(L, index);
    key->key = (struct mc_key){&key->boolean, 1, KEY_BOOLEAN};
    return;
  default:
    luaL_error(L, "%s: a string, a number or a boolean expected as the key, got %s",
               function, luaL_typename(L, index));
  }
}

void bind_push_key(lua_State *L, const struct mc_batch *batch,
                   const struct mc_item *item) {
  const char *bytes = (const char *)batch->bytes.data + item->key_at;
  lua_Integer integer;
  lua_Number number;
  switch (item->key_kind) {
  case KEY_INTEGER:
    memcpy(&integer, bytes, sizeof(integer));
    lua_pushinteger(L, integer);
    break;
  case KEY_FLOAT:
    memcpy(&number, bytes, sizeof(number));
    lua_pushnumber(L, number);
    break;
  case KEY_BOOLEAN:
    lua_pushboolean(L, *bytes);
    break;
  default:
    lua_pushlstring(L, item->key_length ? bytes : "", item->key_length);
  }
}

static void to_number(lua_State *L, int index, struct mc_value *value) {
  if (lua_isinteger(L, index)) {
    value->form = MC_INTEGER;
    value->integer = lua_tointeger(L, index);
  } else {
    value->form = MC_FLOAT;
    value->number = lua_tonumber(L, index);
  }
}

void bind_check_number(lua_State *L, int arg, struct mc_value *number) {
  luaL_checktype(L, arg, LUA_TNUMBER); /* a string of digits is not one here */
  to_number(L, arg, number);
}

static void encode(lua_State *L, int index, const char *name, struct mc_value *value) {
  struct wire_bytes bytes;
  wire_encode(L, index, 1, name, &bytes);
  value->form = BIND_ENCODED;
  value->message = (struct mc_message){.bytes = bytes.bytes,
                                       .length = bytes.length,
                                       .handles = bytes.refs,
                                       .n_handles = bytes.n_refs};
}

static void to_handle(mc_ref ref, struct mc_value *value, mc_ref *room) {
  *room = ref;
  value->form = BIND_HANDLE;
  value->message = (struct mc_message){.handles = room, .n_handles = 1};
}

bool bind_is_plain_table(lua_State *L, int index) {
  if (!lua_istable(L, index))
    return false;
  if (!lua_getmetatable(L, index))
    return true;
  lua_pop(L, 1);
  return false;
}

bool bind_is_complex(lua_State *L, int index) {
  return lua_type(L, index) > LUA_TSTRING || lua_type(L, index) == LUA_TLIGHTUSERDATA;
}

void bind_to_value_as(lua_State *L, int index, const char *name, struct mc_value *value,
                      mc_ref *room) {
  mc_ref ref;
  memset(value, 0, sizeof(*value));
  switch (lua_type(L, index)) {
  case LUA_TNONE:
  case LUA_TNIL:
    value->form = MC_NOTHING;
    break;
  case LUA_TNUMBER:
    to_number(L, index, value);
    break;
  case LUA_TSTRING:
    value->form = BIND_STRING;
    value->message.bytes = lua_tolstring(L, index, &value->message.length);
    break;
  case LUA_TBOOLEAN:
    value->form = lua_toboolean(L, index) ? BIND_TRUE : BIND_FALSE;
    break;
  default:
    if (bind_handle_ref(L, index, &ref))
      to_handle(ref, value, room);
    else
      encode(L, index, name, value);
  }
}

void bind_to_value(lua_State *L, int index, struct mc_value *value, mc_ref *room) {
  if (bind_is_plain_table(L, index)) {
    index = lua_absindex(L, index);
    bind_share_table(L, index);
    lua_replace(L, index);
  }
  bind_to_value_as(L, index, "value", value, room);
}

void bind_to_compare(lua_State *L, int index, bool copied, const char *function,
                     struct mc_value *value, mc_ref *room) {
  bind_to_value_as(L, index, "value", value, room);
  if (value->form != BIND_ENCODED)
    return;
  if (value->message.n_handles)
    luaL_error(L, "%s: a %s with handles in it can't be compared", function,
               luaL_typename(L, index));
  if (copied) { /* the codec has but one buffer */
    lua_pushlstring(L, value->message.bytes, value->message.length);
    lua_replace(L, index);
    value->message.bytes = lua_tostring(L, index);
  }
}

/* ---- copies ---- */

/* Decoding may run any code: the item's bytes and holds are out of reach for it. */
struct decoding {
  const struct mc_batch *batch;
  const struct mc_item *item;
};

static int decode(lua_State *L) {
  const struct decoding *decoding = lua_touserdata(L, 1);
  const struct mc_item *item = decoding->item;
  lua_settop(L, 0);
  struct wire_bytes bytes = {decoding->batch->bytes.data + item->at, item->length,
                             mc_batch_handles(decoding->batch, item), item->n_handles};
  wire_decode(L, &bytes);
  lua_settop(L, 1);
  return 1;
}

static void push_encoded(lua_State *L, struct mc_batch *batch, size_t i) {
  struct mc_batch taken = *batch;
  *batch = (struct mc_batch){0};
  struct decoding decoding = {&taken, mc_batch_item(&taken, i)};
  lua_pushcfunction(L, decode);
  lua_pushlightuserdata(L, &decoding);
  int status = lua_pcall(L, 1, 1, 0);
  /* Back again, unless the code that ran has made another one meanwhile. */
  if (batch->items.data == NULL && batch->bytes.data == NULL)
    *batch = taken;
  else
    mc_batch_free(&taken);
  if (status != LUA_OK)
    lua_error(L);
}

static void push_handle(lua_State *L, struct mc_batch *batch,
                        const struct mc_item *item) {
  mc_ref *handles = (mc_ref *)batch->handles.data + item->handles_at;
  mc_ref ref = *handles;
  size_t last = batch->handles.length / sizeof(mc_ref) - 1;
  if (item->handles_at == last) { /* the hold becomes the handle's */
    batch->handles.length -= sizeof(mc_ref);
    bind_handle_take(L, ref);
  } else {
    bind_handle_push(L, ref);
  }
}

void bind_push_item(lua_State *L, struct mc_batch *batch, size_t i) {
  const struct mc_item *item = mc_batch_item(batch, i);
  switch (item->form) {
  case MC_NOTHING:
    lua_pushnil(L);
    break;
  case MC_INTEGER:
    lua_pushinteger(L, item->integer);
    break;
  case MC_FLOAT:
    lua_pushnumber(L, item->number);
    break;
  case BIND_STRING:
    lua_pushlstring(L, item->length ? (const char *)batch->bytes.data + item->at : "",
                    item->length);
    break;
  case BIND_FALSE:
  case BIND_TRUE:
    lua_pushboolean(L, item->form == BIND_TRUE);
    break;
  case BIND_HANDLE:
    push_handle(L, batch, item);
    break;
  default:
    push_encoded(L, batch, i);
  }
}

void bind_push_only(lua_State *L, struct mc_batch *batch) {
  bind_push_item(L, batch, 0);
  if (batch->handles.length)
    mc_batch_empty(batch);
}

void bind_push_number(lua_State *L, const struct mc_value *number) {
  if (number->form == MC_INTEGER)
    lua_pushinteger(L, number->integer);
  else
    lua_pushnumber(L, number->number);
}

/* One thread of a process uses the space, so one is enough. */
static struct mc_batch spare;

struct mc_batch *bind_batch(void) {
  if (spare.bytes.capacity > KEEP)
    mc_batch_free(&spare);
  mc_batch_empty(&spare);
  return &spare;
}

static int batch_gc(lua_State *L) {
  mc_batch_free(lua_touserdata(L, 1));
  return 0;
}

struct mc_batch *bind_batch_new(lua_State *L) {
  struct mc_batch *batch = lua_newuserdatauv(L, sizeof(*batch), 0);
  *batch = (struct mc_batch){0};
  if (luaL_newmetatable(L, BATCH_CLASS)) {
    lua_pushcfunction(L, batch_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return batch;
}
