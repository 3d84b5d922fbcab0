/* Writing values.
 *
 * One pass over the value, depth first. Everything that has an identity is noted with the
 * offset of its tag; a second use writes that offset and sets the SHARED bit at it.
 * Tables are read raw. Lua stack while a table is written: [metatable] key value, so a
 * path can be read off it. */
#include "wire/encode.h"

#include "wire/names.h"
#include "wire/path.h"

#include <lauxlib.h>

#define LEVEL_SLOTS 8 /* Lua stack that one level may use */

void wire_descend(struct wire_encoder *encoder) {
  if (++encoder->depth > WIRE_MAX_DEPTH)
    wire_fail(encoder->L, encoder->state,
              "cannot send %s: nested too deeply (more than %d levels)", encoder->name,
              WIRE_MAX_DEPTH);
  luaL_checkstack(encoder->L, LEVEL_SLOTS, "the message is nested too deeply");
}

void wire_put_ref(struct wire_encoder *encoder, enum wire_tag tag, uint32_t offset) {
  encoder->state->bytes[offset] |= WIRE_SHARED;
  wire_put_tagged(encoder, tag, offset);
}

static void put_number(struct wire_encoder *encoder, int at) {
  if (lua_isinteger(encoder->L, at)) {
    wire_put_integer(encoder, lua_tointeger(encoder->L, at));
    return;
  }
  unsigned char *to = wire_room(encoder, 1 + sizeof(lua_Number));
  wire_written(encoder, wire_write_float(to, lua_tonumber(encoder->L, at)));
}

/* Elements from .. to, holes included. */
static bool put_elements(struct wire_encoder *encoder, int at, lua_Unsigned from,
                         lua_Unsigned to, const struct wire_step *up) {
  struct wire_step step = {.up = up, .kind = WIRE_STEP_ELEMENT};
  for (lua_Unsigned i = from; i <= to; i++) {
    step.number = (lua_Integer)i;
    lua_rawgeti(encoder->L, at, step.number);
    if (!wire_put_value(encoder, lua_gettop(encoder->L), &step))
      return false;
    lua_pop(encoder->L, 1);
  }
  return true;
}

/* The key as an element's index when it is one of 1 .. n, else 0. */
static lua_Unsigned element_index(lua_State *L, int key, lua_Unsigned n) {
  if (!n || !lua_isinteger(L, key))
    return 0;
  lua_Unsigned index = (lua_Unsigned)lua_tointeger(L, key);
  return index - 1 < n ? index : 0;
}

/* The pairs of a table, in chunks; `slot` is the offset of the count of the first. */
struct pairs {
  size_t slot;
  unsigned count;
};

static bool put_pair(struct wire_encoder *encoder, struct pairs *pairs, int key,
                     struct wire_step *step) {
  if (pairs->count == WIRE_PAIRS_MAX) {
    encoder->state->bytes[pairs->slot] = WIRE_PAIRS_MAX;
    pairs->slot = encoder->state->length;
    pairs->count = 0;
    wire_put_byte(encoder, 0);
  }
  pairs->count++;
  if (lua_type(encoder->L, key) == LUA_TSTRING) {
    size_t n;
    const char *bytes = lua_tolstring(encoder->L, key, &n);
    wire_put_string(encoder, bytes, n);
  } else {
    step->kind = WIRE_STEP_KEY;
    if (!wire_put_value(encoder, key, step))
      return false;
    step->kind = WIRE_STEP_FIELD;
  }
  return wire_put_value(encoder, key + 1, step);
}

/* One traversal gives a list's elements in order, so they need no second look; only when
 * it does not (holes, or elements in the hash part) the rest of them are fetched by
 * index. */
static bool put_fields(struct wire_encoder *encoder, int at, struct wire_step *step) {
  lua_State *L = encoder->L;
  lua_Unsigned n = lua_rawlen(L, at);
  lua_Unsigned done = 0; /* elements written */
  wire_room(encoder, WIRE_VARINT_MAX);
  unsigned char *to = encoder->state->bytes + encoder->state->length;
  struct pairs pairs = {.slot = (size_t)(wire_varint(to, n) - encoder->state->bytes)};
  encoder->state->length = pairs.slot;
  wire_put_byte(encoder, 0);
  lua_pushnil(L);
  int key = lua_gettop(L);
  step->at = key;
  while (lua_next(L, at)) {
    lua_Unsigned element = element_index(L, key, n);
    if (done < n) {
      if (element == done + 1) {
        if (!wire_put_value(encoder, key + 1, step))
          return false;
        done++;
      } else {
        if (!put_elements(encoder, at, done + 1, n, step->up))
          return false;
        done = n;
      }
    }
    if (!element && !put_pair(encoder, &pairs, key, step))
      return false;
    lua_settop(L, key);
  }
  encoder->state->bytes[pairs.slot] = (unsigned char)pairs.count;
  if (pairs.count == WIRE_PAIRS_MAX) /* looks full: say that there are no more */
    wire_put_byte(encoder, 0);
  return true;
}

static bool put_table(struct wire_encoder *encoder, int at, const struct wire_step *up) {
  lua_State *L = encoder->L;
  struct wire_identity *seen = &encoder->state->seen;
  const void *pointer = lua_topointer(L, at);
  wire_identity_reserve(L, seen);
  struct wire_entry *entry = wire_identity_entry(seen, pointer);
  if (wire_identity_taken(seen, entry)) {
    wire_put_ref(encoder, WIRE_REF, entry->offset);
    return true;
  }
  if (wire_put_named_table(encoder, at, pointer, up->kind == WIRE_STEP_METATABLE))
    return true;
  size_t tag = encoder->state->length;
  wire_identity_take(seen, entry, pointer, (uint32_t)tag);
  wire_descend(encoder);
  int top = lua_gettop(L);
  bool classed = lua_getmetatable(L, at);
  if (classed && !wire_is_registered(encoder, top + 1) && !wire_enter_names(encoder))
    return false;
  wire_put_byte(encoder, classed ? WIRE_CLASSED : WIRE_TABLE);
  struct wire_step step = {.up = up, .kind = WIRE_STEP_FIELD};
  if (!put_fields(encoder, at, &step))
    return false;
  step.kind = WIRE_STEP_METATABLE;
  if (classed && !put_table(encoder, top + 1, &step))
    return false;
  lua_settop(L, top);
  encoder->depth--;
  return true;
}

static void put_userdata(struct wire_encoder *encoder, int at,
                         const struct wire_step *step) {
  lua_State *L = encoder->L;
  struct wire_state *state = encoder->state;
  uint32_t ref;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  if (!state->hooks || !state->hooks->to_ref(L, at, &ref))
    wire_refuse(encoder, at, step);
  const void *pointer = lua_topointer(L, at);
  wire_identity_reserve(L, &state->seen);
  struct wire_entry *entry = wire_identity_entry(&state->seen, pointer);
  if (wire_identity_taken(&state->seen, entry)) {
    wire_put_ref(encoder, WIRE_REF, entry->offset);
    return;
  }
  wire_identity_take(&state->seen, entry, pointer, (uint32_t)state->length);
  wire_put_tagged(encoder, WIRE_HANDLE, wire_state_add_ref(L, state, ref));
}

bool wire_put_value(struct wire_encoder *encoder, int at, const struct wire_step *step) {
  switch (lua_type(encoder->L, at)) {
  case LUA_TSTRING: {
    size_t n;
    const char *bytes = lua_tolstring(encoder->L, at, &n);
    wire_put_string(encoder, bytes, n);
    return true;
  }
  case LUA_TNUMBER:
    put_number(encoder, at);
    return true;
  case LUA_TTABLE:
    return put_table(encoder, at, step);
  case LUA_TBOOLEAN:
    wire_put_byte(encoder, lua_toboolean(encoder->L, at) ? WIRE_TRUE : WIRE_FALSE);
    return true;
  case LUA_TNIL:
    wire_put_byte(encoder, WIRE_NIL);
    return true;
  case LUA_TFUNCTION:
    return wire_put_function(encoder, at, step);
  case LUA_TUSERDATA:
    put_userdata(encoder, at, step);
    return true;
  default:
    wire_refuse(encoder, at, step);
  }
}

/* What a message is made of: values on the stack, or elements of a list. */
struct roots {
  int at; /* stack index of the first one, or of the list */
  bool list;
  lua_Integer first; /* in the list */
  uint64_t count;
  lua_Integer number; /* of the first one, for refusals */
};

static bool put_roots(struct wire_encoder *encoder, const struct roots *roots) {
  lua_State *L = encoder->L;
  wire_state_begin(L, encoder->state);
  encoder->depth = 0;
  unsigned char *to = wire_room(encoder, WIRE_VARINT_MAX);
  wire_written(encoder, wire_varint(to, roots->count));
  struct wire_step root = {.kind = WIRE_STEP_ROOT, .number = roots->number};
  int element = encoder->self + 1;
  for (uint64_t i = 0; i < roots->count; i++, root.number++) {
    if (roots->list)
      lua_rawgeti(L, roots->at, roots->first + (lua_Integer)i);
    if (!wire_put_value(encoder, roots->list ? element : roots->at + (int)i, &root))
      return false;
    lua_settop(L, encoder->self);
  }
  return true;
}

static void encode(struct wire_encoder *encoder, struct roots *roots,
                   struct wire_bytes *out) {
  lua_State *L = encoder->L;
  luaL_checkstack(L, LEVEL_SLOTS, NULL);
  roots->at = lua_absindex(L, roots->at);
  encoder->state = wire_state_push(L);
  encoder->self = lua_gettop(L);
  wire_identity_clear(&encoder->state->modules);
  if (!put_roots(encoder, roots)) {
    lua_settop(L, encoder->self);
    put_roots(encoder, roots); /* by name this time: cannot ask again */
  }
  lua_settop(L, encoder->self - 1);
  const struct wire_state *state = encoder->state;
  *out = (struct wire_bytes){state->bytes, state->length, state->refs, state->n_refs};
}

void wire_encode(lua_State *L, int first, int count, const char *name,
                 struct wire_bytes *out) {
  size_t n = strlen(name);
  bool list = n >= 2 && strcmp(name + n - 2, "[]") == 0;
  struct wire_encoder encoder = {.L = L, .name = name, .numbered = count > 1 || list};
  struct roots roots = {.at = first, .count = (uint64_t)count, .number = 1};
  encode(&encoder, &roots, out);
}

void wire_encode_from(lua_State *L, int first, int count, const char *name,
                      lua_Integer number, struct wire_bytes *out) {
  struct wire_encoder encoder = {.L = L, .name = name, .numbered = true};
  struct roots roots = {.at = first, .count = (uint64_t)count, .number = number};
  encode(&encoder, &roots, out);
}

void wire_encode_list(lua_State *L, int index, lua_Integer first, lua_Integer last,
                      const char *name, lua_Integer number, struct wire_bytes *out) {
  struct wire_encoder encoder = {.L = L, .name = name, .numbered = true};
  struct roots roots = {.at = index, .list = true, .first = first, .number = number};
  roots.count = last < first ? 0 : (uint64_t)last - (uint64_t)first + 1;
  encode(&encoder, &roots, out);
}
