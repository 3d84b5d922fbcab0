/* What a host asks of its helper: to make shared objects and to call their methods; and
 * what scripts ask of the host. The work is Lua's (lua/mooncrew/helper.lua): each
 * question is a coroutine task, so one that waits holds nobody up. */
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/helper.h"

#include <lauxlib.h>

static const char held_key;   /* registry: reference → handle */
static const char counts_key; /* registry: reference → how often the host has it */
static const char module_key; /* registry: the module mooncrew.helper */

static struct bind_stream *to_host;
static struct mc_buffer aligned; /* the references of the frame at hand */

void bind_asks_open(lua_State *L, int module, struct bind_stream *stream) {
  to_host = stream;
  lua_pushvalue(L, module);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &held_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &counts_key);
}

/* ---- holding ---- */

/* Adds to the count of a reference; returns what it is now. */
static lua_Integer count(lua_State *L, uint32_t ref, int more) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &counts_key);
  lua_rawgeti(L, -1, ref);
  lua_Integer n = lua_tointeger(L, -1) + more;
  lua_pop(L, 1);
  if (n > 0)
    lua_pushinteger(L, n);
  else
    lua_pushnil(L);
  lua_rawseti(L, -2, ref);
  lua_pop(L, 1);
  return n;
}

void bind_hold_for_host(lua_State *L, const uint32_t *refs, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    luaL_checkstack(L, 8, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &held_key);
    bind_handle_push(L, refs[i]);
    lua_rawseti(L, -2, refs[i]);
    lua_pop(L, 1);
    count(L, refs[i], 1);
  }
}

static void drop(lua_State *L, uint32_t ref) {
  if (count(L, ref, -1) > 0)
    return;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &held_key);
  lua_pushnil(L);
  lua_rawseti(L, -2, ref); /* the collector lets go of the handle */
  lua_pop(L, 1);
}

const uint32_t *bind_frame_refs(lua_State *L, const struct bind_frame *frame) {
  aligned.length = 0;
  if (!mc_buffer_append(&aligned, frame->refs, frame->head.n_refs * sizeof(uint32_t)))
    luaL_error(L, "not enough memory");
  return (const uint32_t *)(const void *)aligned.data;
}

/* ---- asking ---- */

/* Calls a function of the Lua part with the frame's id, its code and its values. */
static void call(lua_State *L, const char *name, const struct bind_frame *frame) {
  struct wire_bytes bytes = {.bytes = frame->bytes,
                             .length = (size_t)frame->head.length,
                             .refs = bind_frame_refs(L, frame),
                             .n_refs = frame->head.n_refs};
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key);
  lua_getfield(L, -1, name);
  lua_pushinteger(L, (lua_Integer)frame->head.id);
  lua_pushboolean(L, frame->head.code);
  int n = frame->head.length ? wire_decode(L, &bytes) : 0;
  lua_call(L, n + 2, 0);
  lua_settop(L, top);
}

void bind_ask(lua_State *L, const struct bind_frame *frame) {
  switch (frame->head.type) {
  case MC_FRAME_ASK:
    call(L, "ask", frame);
    break;
  case MC_FRAME_REPLY:
    call(L, "reply", frame);
    break;
  default:
    drop(L, (uint32_t)frame->head.number);
  }
}

/* host_send(kind, id, failed, values…): kind is "done" or "call" */
static int host_send(lua_State *L) {
  static const char *const kinds[] = {"done", "call", NULL};
  bool is_call = luaL_checkoption(L, 1, NULL, kinds) == 1;
  struct wire_bytes bytes;
  struct mc_frame head = {.type = is_call ? MC_FRAME_CALL : MC_FRAME_DONE,
                          .id = (uint64_t)luaL_checkinteger(L, 2),
                          .code =
                              lua_toboolean(L, 3) ? MC_DONE_RAISED : MC_DONE_RETURNED};
  wire_encode(L, 4, lua_gettop(L) - 3, "result[]", &bytes);
  bind_hold_for_host(L, bytes.refs, bytes.n_refs);
  wire_encode(L, 4, lua_gettop(L) - 3, "result[]", &bytes); /* holding may have used it */
  head.length = bytes.length;
  head.n_refs = bytes.n_refs;
  if (!bind_stream_put(to_host, &head, bytes.refs, bytes.bytes))
    return luaL_error(L, "not enough memory");
  return 0;
}

void bind_open_asks(lua_State *L) {
  lua_pushcfunction(L, host_send);
  lua_setfield(L, -2, "host_send");
}
