/* What comes back from a pool's workers. */
#include "bind/pool.h"

#include "base/error.h"
#include "bind/chunk.h"
#include "bind/current.h"
#include "bind/pool_done.h"
#include "crew/pool.h"
#include "share/queue.h"
#include "wire/wire.h"

#include <lauxlib.h>
#include <string.h>

void bind_pool_drop_chunk(struct bind_pool *pool) {
  if (pool->has_chunk && pool->owner == bind_current_pid())
    mc_lease_settle(&pool->chunk);
  pool->has_chunk = false;
}

static int push_text(lua_State *L, lua_Integer id, const char *status) {
  lua_pushinteger(L, id);
  lua_pushstring(L, status);
  return 2;
}

static struct wire_bytes bytes_of(const struct mc_lease *lease, size_t skip) {
  return (struct wire_bytes){lease->bytes + skip, lease->length - skip, lease->handles,
                             lease->n_handles};
}

/* (lease, bytes to skip) */
static int decode(lua_State *L) {
  struct wire_bytes bytes = bytes_of(lua_touserdata(L, 1), (size_t)lua_tointeger(L, 2));
  lua_settop(L, 0);
  return wire_decode(L, &bytes);
}

/* The values of a result; or, when they can't be decoded here, the error of that. */
static int push_values(lua_State *L, struct mc_lease *lease, size_t skip, lua_Integer id,
                       const char *status) {
  int top = lua_gettop(L) + push_text(L, id, status);
  lua_pushcfunction(L, decode);
  lua_pushlightuserdata(L, lease);
  lua_pushinteger(L, (lua_Integer)skip);
  if (lua_pcall(L, 2, LUA_MULTRET, 0) != LUA_OK) {
    lua_pushliteral(L, "raised");
    lua_replace(L, top);
  }
  mc_lease_settle(lease);
  return lua_gettop(L);
}

/* A chunk's results stay where they are until pool:unpack. */
static int keep_chunk(lua_State *L, struct bind_pool *pool, const struct mc_lease *lease,
                      size_t skip, const struct mc_result_head *head) {
  pool->chunk = *lease;
  pool->chunk_skip = skip;
  pool->has_chunk = true;
  push_text(L, (lua_Integer)head->id, "mapped");
  lua_pushinteger(L, head->item);
  lua_pushnumber(L, (lua_Number)head->took / 1e9);
  return lua_gettop(L);
}

/* (pool, n, out, first) */
static int read_chunk(lua_State *L) {
  const struct bind_pool *pool = lua_touserdata(L, 1);
  struct wire_bytes bytes = bytes_of(&pool->chunk, pool->chunk_skip);
  bind_chunk_read(L, &bytes, lua_tointeger(L, 2), 3, lua_tointeger(L, 4));
  return 1;
}

/* pool:unpack(n, out, first): the n results that were "mapped" go into the list `out`,
 * from index `first` on → true, and nil or the errors by their numbers in the chunk; or
 * nil and why they can't be decoded */
static int pool_unpack(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 4);
  luaL_argcheck(L, pool->has_chunk, 1, "nothing was collected to be unpacked");
  lua_pushcfunction(L, read_chunk);
  lua_insert(L, 1);
  bool good = lua_pcall(L, 4, 1, 0) == LUA_OK;
  bind_pool_drop_chunk(pool);
  if (good)
    lua_pushboolean(L, true);
  else
    lua_pushnil(L);
  lua_insert(L, 1);
  return 2;
}

/* Pushes what goes before a captured task's outcome; how many bytes that were. */
static size_t push_captured(lua_State *L, const struct mc_result_head *head,
                            const unsigned char *bytes) {
  push_text(L, (lua_Integer)head->id, "captured");
  lua_pushlstring(L, (const char *)bytes, head->output);
  lua_pushlstring(L, (const char *)bytes + head->output, head->error_output);
  return (size_t)head->output + head->error_output;
}

/* pool:collect() → nothing when there is none; else id, and
 *   "returned", values… | "raised", error | "mapped", n, seconds: then unpack comes |
 *   "lost" or "late", code, pid, item | "cancelled" |
 *   "restart" | "broken", text | "futile" or "hung", code, pid.
 * Of a captured task there is more before that: id, "captured", stdout, stderr. */
static int pool_collect(lua_State *L) {
  struct bind_pool *pool = bind_check_pool(L);
  bind_pool_drop_chunk(pool); /* whoever collected it was interrupted */
  lua_settop(L, 1);
  if (!bind_inbox_peek(&pool->inbox, pool->results))
    return 0;
  struct mc_lease lease = bind_inbox_take(&pool->inbox);
  struct mc_result_head head;
  memcpy(&head, lease.bytes, sizeof head);
  lua_settop(L, 0);
  size_t skip = sizeof head;
  if (head.status & MC_RESULT_CAPTURED)
    skip += push_captured(L, &head, lease.bytes + sizeof head);
  switch ((enum mc_result_status)(head.status & ~MC_RESULT_CAPTURED)) {
  case MC_RESULT_RETURNED:
    return push_values(L, &lease, skip, (lua_Integer)head.id, "returned");
  case MC_RESULT_RAISED:
    return push_values(L, &lease, skip, (lua_Integer)head.id, "raised");
  case MC_RESULT_MAPPED:
    return keep_chunk(L, pool, &lease, skip, &head);
  case MC_RESULT_LOST:
  case MC_RESULT_LATE:
    push_text(L, (lua_Integer)head.id,
              (head.status & ~MC_RESULT_CAPTURED) == MC_RESULT_LATE ? "late" : "lost");
    lua_pushinteger(L, head.code);
    lua_pushinteger(L, head.pid);
    lua_pushinteger(L, head.item);
    break;
  case MC_RESULT_CANCELLED:
    push_text(L, (lua_Integer)head.id, "cancelled");
    break;
  case MC_RESULT_RESTART:
    push_text(L, 0, "restart");
    break;
  case MC_RESULT_BROKEN:
    push_text(L, 0, "broken");
    lua_pushstring(L, mc_strerror(head.code));
    break;
  case MC_RESULT_FUTILE:
  case MC_RESULT_HUNG:
    push_text(L, 0, head.status == MC_RESULT_HUNG ? "hung" : "futile");
    lua_pushinteger(L, head.code);
    lua_pushinteger(L, head.pid);
    break;
  }
  mc_lease_settle(&lease);
  return lua_gettop(L);
}

static const luaL_Reg methods[] = {
    {"collect", pool_collect},
    {"unpack", pool_unpack},
    {NULL, NULL},
};

void bind_open_pool_collect(lua_State *L) {
  bind_open_pool_done(L);
  luaL_setfuncs(L, methods, 0);
}
