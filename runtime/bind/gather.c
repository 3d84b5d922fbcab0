#include "bind/gather.h"

#include "base/buffer.h"

#include <lauxlib.h>

#define CLASS "mooncrew.gather"

struct bind_gather {
  struct mc_buffer bytes, refs, keys, values;
};

static int gather_gc(lua_State *L) {
  struct bind_gather *gather = lua_touserdata(L, 1);
  mc_buffer_free(&gather->bytes);
  mc_buffer_free(&gather->refs);
  mc_buffer_free(&gather->keys);
  mc_buffer_free(&gather->values);
  return 0;
}

struct bind_gather *bind_gather_new(lua_State *L) {
  struct bind_gather *gather = lua_newuserdatauv(L, sizeof(*gather), 0);
  *gather = (struct bind_gather){0};
  if (luaL_newmetatable(L, CLASS)) {
    lua_pushcfunction(L, gather_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return gather;
}

/* Until bind_gather_all, pointers into the buffers are offsets: the buffers may move. */
static const void *put(lua_State *L, struct mc_buffer *buffer, const void *bytes,
                       size_t n) {
  size_t at = buffer->length;
  if (!mc_buffer_append(buffer, bytes, n))
    luaL_error(L, "not enough memory");
  return (const void *)(uintptr_t)at; /* NOLINT: an offset */
}

static const void *resolve(const struct mc_buffer *buffer, const void *offset) {
  return buffer->data ? buffer->data + (uintptr_t)offset : NULL;
}

void bind_gather_add(lua_State *L, struct bind_gather *gather, const struct mc_key *key,
                     const struct mc_value *value) {
  struct mc_value copy = *value;
  if (copy.form >= MC_BYTES) {
    struct mc_message *message = &copy.message;
    message->bytes = put(L, &gather->bytes, message->bytes, message->length);
    message->handles =
        put(L, &gather->refs, message->handles, message->n_handles * sizeof(mc_ref));
  }
  if (key) {
    struct mc_key copied = *key;
    copied.bytes = put(L, &gather->bytes, key->bytes, key->length);
    put(L, &gather->keys, &copied, sizeof(copied));
  }
  put(L, &gather->values, &copy, sizeof(copy));
}

size_t bind_gather_all(struct bind_gather *gather, const struct mc_key **keys,
                       const struct mc_value **values) {
  size_t n = gather->values.length / sizeof(struct mc_value);
  struct mc_value *value = (struct mc_value *)gather->values.data;
  for (size_t i = 0; i < n; i++) {
    if (value[i].form < MC_BYTES)
      continue;
    value[i].message.bytes = resolve(&gather->bytes, value[i].message.bytes);
    value[i].message.handles = resolve(&gather->refs, value[i].message.handles);
  }
  struct mc_key *key = (struct mc_key *)gather->keys.data;
  for (size_t i = 0; i < gather->keys.length / sizeof(struct mc_key); i++)
    key[i].bytes = resolve(&gather->bytes, key[i].bytes);
  if (keys)
    *keys = key;
  *values = value;
  return n;
}
