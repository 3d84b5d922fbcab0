#include "bind/parcel.h"

#include "base/buffer.h"

#include <lauxlib.h>

#define CLASS "mooncrew.parcel"
#define KEEP  ((size_t)1 << 20) /* a larger scratch is not kept */

struct place {
  size_t at, length; /* in bytes */
  size_t refs_at;    /* in refs, in bytes too */
  uint32_t n_refs;
};

struct bind_parcel {
  struct mc_buffer bytes, refs, places; /* places: struct place each */
  struct mc_buffer messages;            /* made from them when asked for */
  size_t gone;
};

static void free_buffers(struct bind_parcel *parcel) {
  mc_buffer_free(&parcel->bytes);
  mc_buffer_free(&parcel->refs);
  mc_buffer_free(&parcel->places);
  mc_buffer_free(&parcel->messages);
}

static int parcel_gc(lua_State *L) {
  free_buffers(lua_touserdata(L, 1));
  return 0;
}

struct bind_parcel *bind_parcel_new(lua_State *L) {
  struct bind_parcel *parcel = lua_newuserdatauv(L, sizeof *parcel, 0);
  *parcel = (struct bind_parcel){0};
  if (luaL_newmetatable(L, CLASS)) {
    lua_pushcfunction(L, parcel_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return parcel;
}

/* One thread of a process uses the space, so one is enough. */
static struct bind_parcel scratch;

struct bind_parcel *bind_parcel_scratch(void) {
  if (scratch.bytes.capacity > KEEP || scratch.places.capacity > KEEP)
    free_buffers(&scratch);
  scratch.bytes.length = scratch.refs.length = scratch.places.length = 0;
  scratch.gone = 0;
  return &scratch;
}

static int make_parcel(lua_State *L) {
  bind_parcel_new(L);
  return 1;
}

struct bind_parcel *bind_parcel_from_scratch(lua_State *L) {
  /* To make it may run a finalizer, which may put a batch of its own. */
  struct bind_parcel taken = scratch;
  scratch = (struct bind_parcel){0};
  lua_pushcfunction(L, make_parcel);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
    free_buffers(&taken);
    lua_error(L);
  }
  struct bind_parcel *parcel = lua_touserdata(L, -1);
  *parcel = taken;
  return parcel;
}

void bind_parcel_add(lua_State *L, struct bind_parcel *parcel, const void *head,
                     size_t head_length, const struct wire_bytes *bytes) {
  struct place place = {parcel->bytes.length, head_length + bytes->length,
                        parcel->refs.length, bytes->n_refs};
  if (!mc_buffer_append(&parcel->bytes, head, head_length) ||
      !mc_buffer_append(&parcel->bytes, bytes->bytes, bytes->length) ||
      !mc_buffer_append(&parcel->refs, bytes->refs, bytes->n_refs * sizeof(uint32_t)) ||
      !mc_buffer_append(&parcel->places, &place, sizeof place))
    luaL_error(L, "not enough memory");
}

const struct mc_message *bind_parcel_messages(lua_State *L, struct bind_parcel *parcel,
                                              size_t *n) {
  size_t all = parcel->places.length / sizeof(struct place);
  const struct place *places = (const struct place *)parcel->places.data;
  parcel->messages.length = 0;
  for (size_t i = parcel->gone; i < all; i++) {
    struct mc_message message = {
        .bytes = parcel->bytes.data + places[i].at,
        .length = places[i].length,
        .handles = (const mc_ref *)(parcel->refs.data + places[i].refs_at),
        .n_handles = places[i].n_refs,
    };
    if (!mc_buffer_append(&parcel->messages, &message, sizeof message))
      luaL_error(L, "not enough memory");
  }
  *n = all - parcel->gone;
  return (const struct mc_message *)parcel->messages.data;
}

void bind_parcel_gone(struct bind_parcel *parcel, size_t n) {
  parcel->gone += n;
}

size_t bind_parcel_count_gone(const struct bind_parcel *parcel) {
  return parcel->gone;
}
