#include "wire/state.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <string.h>

#define FIRST_CAPACITY 1024
#define KEEP_CAPACITY  (1u << 20) /* a buffer up to this size is never given back */
#define KEEP_ENTRIES   (1u << 14)
#define SMALL_RUN      64 /* small messages after which a big buffer is given back */

static const char registry_key; /* its address is the key */

void *wire_realloc(lua_State *L, void *block, size_t old_size, size_t new_size) {
  void *data;
  lua_Alloc alloc = lua_getallocf(L, &data);
  void *result = alloc(data, block, old_size, new_size);
  if (!result)
    luaL_error(L, "not enough memory to encode a message");
  return result;
}

void wire_free(lua_State *L, void *block, size_t size) {
  void *data;
  lua_Alloc alloc = lua_getallocf(L, &data);
  if (block)
    alloc(data, block, size, 0);
}

static void free_buffer(lua_State *L, struct wire_state *state) {
  wire_free(L, state->bytes, state->capacity);
  state->bytes = NULL;
  state->length = state->capacity = 0;
}

static void free_refs(lua_State *L, struct wire_state *state) {
  wire_free(L, state->refs, state->refs_capacity * sizeof *state->refs);
  state->refs = NULL;
  state->n_refs = state->refs_capacity = 0;
}

static int collect(lua_State *L) {
  struct wire_state *state = lua_touserdata(L, 1);
  free_buffer(L, state);
  free_refs(L, state);
  wire_identity_free(L, &state->seen);
  wire_identity_free(L, &state->modules);
  wire_identity_free(L, &state->known);
  state->closed = true;
  return 0;
}

struct wire_state *wire_state_push(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  struct wire_state *state = lua_touserdata(L, -1);
  if (!state)
    luaL_error(L, "the codec is not open in this Lua state");
  else if (state->closed)
    luaL_error(L, "cannot send or receive: the Lua state is closing");
  return state;
}

void wire_fail(lua_State *L, const struct wire_state *state, const char *format, ...) {
  va_list arguments;
  luaL_checkstack(L, 4, NULL);
  if (state->hooks && state->hooks->where)
    state->hooks->where(L);
  else
    luaL_where(L, 1);
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  lua_concat(L, 2);
  lua_error(L);
  for (;;) { /* lua_error does not return, and does not say so to the compiler */
  }
}

static void weak_table(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

static void push_uservalue(lua_State *L, int n) {
  switch (n) {
  case WIRE_UV_REGISTERED:
    lua_newtable(L);
    break;
  case WIRE_UV_CONTAINER:
  case WIRE_UV_KEY:
    weak_table(L);
    break;
  case WIRE_UV_LOADED:
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    break;
  case WIRE_UV_REQUIRE: /* raw: globals may have a metatable that complains */
    lua_pushglobaltable(L);
    lua_pushliteral(L, "require");
    lua_rawget(L, -2);
    lua_remove(L, -2);
    break;
  case WIRE_UV_INDEX:
    lua_pushliteral(L, "__index");
    break;
  case WIRE_UV_NAME:
    lua_pushliteral(L, "__name");
    break;
  }
}

void wire_open(lua_State *L, const struct wire_hooks *hooks) {
  luaL_checkstack(L, 8, NULL);
  int type = lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  struct wire_state *state = lua_touserdata(L, -1);
  if (type == LUA_TUSERDATA) {
    state->hooks = hooks;
    lua_pop(L, 1);
    return;
  }
  state = lua_newuserdatauv(L, sizeof *state, WIRE_UV_COUNT);
  memset(state, 0, sizeof *state);
  state->hooks = hooks;
  state->seen.epoch = state->modules.epoch = state->known.epoch = 1;
  lua_pushglobaltable(L);
  state->globals = lua_topointer(L, -1);
  lua_pop(L, 1);
  for (int n = 1; n <= WIRE_UV_COUNT; n++) {
    push_uservalue(L, n);
    lua_setiuservalue(L, -2, n);
  }
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
  lua_pop(L, 1);
}

void wire_state_begin(lua_State *L, struct wire_state *state) {
  bool big = state->capacity > KEEP_CAPACITY || state->seen.capacity > KEEP_ENTRIES;
  if (!big || state->length > state->capacity / 8 ||
      state->seen.count > state->seen.capacity / 8) {
    state->small = 0;
  } else if (++state->small >= SMALL_RUN) {
    free_buffer(L, state);
    free_refs(L, state);
    wire_identity_free(L, &state->seen);
    state->small = 0;
  }
  state->length = 0;
  state->n_refs = 0;
  wire_identity_clear(&state->seen);
}

void wire_state_grow(lua_State *L, struct wire_state *state, size_t more) {
  if (more > UINT32_MAX - state->length)
    wire_fail(L, state, "cannot send a message of 4 GiB or more");
  size_t capacity = state->capacity ? state->capacity * 2 : FIRST_CAPACITY;
  while (capacity < state->length + more)
    capacity *= 2;
  state->bytes = wire_realloc(L, state->bytes, state->capacity, capacity);
  state->capacity = capacity;
}

uint32_t wire_state_add_ref(lua_State *L, struct wire_state *state, uint32_t ref) {
  if (state->n_refs == state->refs_capacity) {
    uint32_t capacity = state->refs_capacity ? state->refs_capacity * 2 : 8;
    state->refs = wire_realloc(L, state->refs, state->refs_capacity * sizeof *state->refs,
                               capacity * sizeof *state->refs);
    state->refs_capacity = capacity;
  }
  state->refs[state->n_refs] = ref;
  return state->n_refs++;
}
