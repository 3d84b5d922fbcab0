#include "wire/names.h"

#include "wire/scan.h"

#include <lauxlib.h>

/* A cheap sum that changes when package.loaded does. */
static uint64_t add_to_signature(uint64_t sum, const void *key, const void *value) {
  uint64_t pair = (uint64_t)(uintptr_t)key * 31 + (uint64_t)(uintptr_t)value;
  return sum + (pair ^ pair >> 17) * 0x9e3779b97f4a7c15u;
}

bool wire_enter_names(struct wire_encoder *encoder) {
  if (encoder->names)
    return true;
  encoder->names = true;
  lua_State *L = encoder->L;
  struct wire_state *state = encoder->state;
  bool written = false; /* was a module written as data? */
  encoder->signature = 1;
  luaL_checkstack(L, 4, NULL);
  lua_getiuservalue(L, encoder->self, WIRE_UV_LOADED);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    const void *module = lua_topointer(L, -1);
    encoder->signature =
        add_to_signature(encoder->signature, lua_topointer(L, -2), module);
    if (lua_istable(L, -1) || lua_isfunction(L, -1)) {
      wire_identity_reserve(L, &state->modules);
      struct wire_entry *entry = wire_identity_entry(&state->modules, module);
      if (!wire_identity_taken(&state->modules, entry))
        wire_identity_take(&state->modules, entry, module, 0);
      written = written || wire_identity_has(&state->seen, module);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return !written;
}

/* Pushes the registered name, a string, or nil. */
static void push_registered(struct wire_encoder *encoder, int at) {
  lua_State *L = encoder->L;
  lua_getiuservalue(L, encoder->self, WIRE_UV_REGISTERED);
  lua_pushvalue(L, at);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

bool wire_is_registered(struct wire_encoder *encoder, int at) {
  if (!wire_identity_has(&encoder->state->known, lua_topointer(encoder->L, at)))
    return false;
  push_registered(encoder, at);
  bool is = lua_isstring(encoder->L, -1);
  lua_pop(encoder->L, 1);
  return is;
}

static bool put_registered(struct wire_encoder *encoder, int at) {
  push_registered(encoder, at);
  size_t n;
  const char *name = lua_tolstring(encoder->L, -1, &n);
  if (name) {
    wire_put_byte(encoder, WIRE_REGISTERED);
    wire_put_string(encoder, name, n);
  }
  lua_pop(encoder->L, 1);
  return name != NULL;
}

/* A class has __index or __name; other tables are data, even those that a module holds.
 */
static bool is_class(struct wire_encoder *encoder, int at) {
  lua_State *L = encoder->L;
  lua_getiuservalue(L, encoder->self, WIRE_UV_INDEX);
  bool is = lua_rawget(L, at) != LUA_TNIL;
  lua_getiuservalue(L, encoder->self, WIRE_UV_NAME);
  is = lua_rawget(L, at) != LUA_TNIL || is;
  lua_pop(L, 2);
  return is;
}

bool wire_put_named_table(struct wire_encoder *encoder, int at, const void *pointer,
                          bool metatable) {
  if (pointer == encoder->state->globals) {
    wire_put_byte(encoder, WIRE_GLOBALS);
    return true;
  }
  if (!encoder->names && !wire_identity_has(&encoder->state->known, pointer))
    return false;
  luaL_checkstack(encoder->L, 6, NULL);
  if (wire_identity_has(&encoder->state->known, pointer) && put_registered(encoder, at))
    return true;
  if (!encoder->names)
    return false;
  if (wire_put_module(encoder, at, pointer))
    return true;
  return (metatable || is_class(encoder, at)) && wire_put_path(encoder, at, false);
}

bool wire_put_module(struct wire_encoder *encoder, int at, const void *pointer) {
  lua_State *L = encoder->L;
  if (!wire_identity_has(&encoder->state->modules, pointer))
    return false;
  luaL_checkstack(L, 4, NULL);
  int top = lua_gettop(L);
  lua_getiuservalue(L, encoder->self, WIRE_UV_LOADED);
  lua_pushnil(L);
  while (lua_next(L, top + 1)) {
    if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, at)) {
      size_t n;
      const char *name = lua_tolstring(L, -2, &n);
      wire_put_byte(encoder, WIRE_NAMED);
      wire_put_byte(encoder, 0);
      wire_put_string(encoder, name, n);
      lua_settop(L, top);
      return true;
    }
    lua_pop(L, 1);
  }
  lua_settop(L, top);
  return false;
}

static void put_key(struct wire_encoder *encoder, int at) {
  if (lua_isinteger(encoder->L, at)) {
    wire_put_integer(encoder, lua_tointeger(encoder->L, at));
    return;
  }
  size_t n;
  const char *name = lua_tolstring(encoder->L, at, &n);
  wire_put_string(encoder, name, n);
}

bool wire_put_path(struct wire_encoder *encoder, int at, bool must) {
  lua_State *L = encoder->L;
  luaL_checkstack(L, 24, NULL);
  int top = lua_gettop(L);
  /* What must be found is worth a new scan; a table is searched again only when modules
   * came or went. */
  if (encoder->state->scanned != encoder->signature) {
    wire_scan(L, encoder->self);
    encoder->state->scanned = encoder->signature;
  }
  int keys = wire_path_of(L, encoder->self, at);
  if (!keys && must) {
    wire_scan(L, encoder->self);
    keys = wire_path_of(L, encoder->self, at);
  }
  if (keys) { /* the module's name comes last on the stack */
    wire_put_byte(encoder, WIRE_NAMED);
    wire_put_byte(encoder, (unsigned)keys - 1);
    for (int i = keys; i > 0; i--)
      put_key(encoder, top + i);
  }
  lua_settop(L, top);
  return keys > 0;
}

static void register_table(lua_State *L, char kind, const char *name, int index) {
  luaL_checkstack(L, 8, NULL);
  index = lua_absindex(L, index);
  struct wire_state *state = wire_state_push(L);
  wire_identity_reserve(L, &state->known);
  lua_getiuservalue(L, -1, WIRE_UV_REGISTERED);
  lua_pushfstring(L, "%c%s", kind, name);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, -3) == LUA_TTABLE) { /* the one before crosses by this name no more */
    lua_pushnil(L);
    lua_rawset(L, -4);
  } else {
    lua_pop(L, 1);
  }
  lua_pushvalue(L, index);
  lua_pushvalue(L, -2);
  lua_rawset(L, -4);
  lua_pushvalue(L, index);
  lua_rawset(L, -3);
  const void *pointer = lua_topointer(L, index);
  struct wire_entry *entry = wire_identity_entry(&state->known, pointer);
  if (!wire_identity_taken(&state->known, entry))
    wire_identity_take(&state->known, entry, pointer, 0);
  lua_pop(L, 2);
}

void wire_register_class(lua_State *L, const char *name, int index) {
  register_table(L, WIRE_CLASS_NAME, name, index);
}

void wire_register_constant(lua_State *L, const char *name, int index) {
  register_table(L, WIRE_CONSTANT_NAME, name, index);
}
