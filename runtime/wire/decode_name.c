/* Reading what crossed by name or by reference. */
#include "wire/decode.h"

#include "wire/state.h"

#include <lauxlib.h>

#define NAME_SLOTS 10 /* Lua stack that reading a name may use */

/* Reads a string, or a key that may be an integer as well, and pushes it. The tag is
 * looked at first: a name is no level of nesting, so nothing that nests may be read in
 * its place. */
static void get_key(struct wire_decoder *decoder, bool integers) {
  unsigned tag = wire_left(decoder) ? *decoder->at : (unsigned)WIRE_STRING;
  bool integer = tag & WIRE_SMALL_INTEGER || tag == WIRE_INTEGER;
  bool string = (tag & WIRE_SHORT_STRING && !integer) || tag == WIRE_STRING;
  if (!string && !(integer && integers))
    wire_invalid(decoder, "a name that is not a string");
  wire_get_value(decoder);
}

/* Replaces the module's name on top of the stack by the module, loaded when it has to be.
 */
static void get_module(lua_State *L) {
  int name = lua_gettop(L);
  wire_state_push(L);
  lua_getiuservalue(L, -1, WIRE_UV_LOADED);
  lua_pushvalue(L, name);
  lua_rawget(L, -2);
  if (lua_isnil(L, -1)) {
    if (lua_getiuservalue(L, name + 1, WIRE_UV_REQUIRE) != LUA_TFUNCTION)
      luaL_error(L, "cannot receive module '%s': it is not loaded here",
                 lua_tostring(L, name));
    lua_pushvalue(L, name);
    lua_call(L, 1, 1);
  }
  lua_replace(L, name);
  lua_settop(L, name);
}

/* Raises for the name that begins at `start`: reads it again, as text. */
static void no_such_name(struct wire_decoder *decoder, const unsigned char *start) {
  lua_State *L = decoder->L;
  decoder->at = start;
  unsigned keys = wire_get_byte(decoder);
  get_key(decoder, false);
  for (; keys; keys--) {
    lua_pushliteral(L, ".");
    get_key(decoder, true);
    lua_concat(L, 3);
  }
  luaL_error(L, "cannot receive %s: there is no such thing here", lua_tostring(L, -1));
}

/* The keys may lead through an __index, since modules load parts of themselves on demand.
 */
void wire_get_named(struct wire_decoder *decoder) {
  lua_State *L = decoder->L;
  const unsigned char *start = decoder->at;
  luaL_checkstack(L, NAME_SLOTS, NULL);
  unsigned keys = wire_get_byte(decoder);
  get_key(decoder, false);
  get_module(L);
  for (; keys; keys--) {
    get_key(decoder, true);
    if (!lua_istable(L, -2))
      no_such_name(decoder, start);
    lua_gettable(L, -2);
    lua_remove(L, -2);
  }
  if (!lua_istable(L, -1) && !lua_isfunction(L, -1))
    no_such_name(decoder, start);
}

void wire_get_registered(struct wire_decoder *decoder) {
  lua_State *L = decoder->L;
  luaL_checkstack(L, NAME_SLOTS, NULL);
  get_key(decoder, false);
  const char *name = lua_tostring(L, -1);
  wire_state_push(L);
  lua_getiuservalue(L, -1, WIRE_UV_REGISTERED);
  lua_pushvalue(L, -3);
  if (lua_rawget(L, -2) != LUA_TTABLE)
    luaL_error(L, "cannot receive %s '%s': it is not registered here",
               name[0] == WIRE_CLASS_NAME ? "class" : "constant",
               name[0] ? name + 1 : "");
  lua_replace(L, -4);
  lua_pop(L, 2);
}

void wire_get_handle(struct wire_decoder *decoder) {
  lua_State *L = decoder->L;
  uint64_t index = wire_get_varint(decoder);
  struct wire_state *state = wire_state_push(L);
  lua_pop(L, 1);
  if (index >= decoder->in->n_refs || !state->hooks)
    wire_invalid(decoder, "a reference that is not listed");
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  state->hooks->push(L, decoder->in->refs[index]);
}
