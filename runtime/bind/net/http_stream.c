#include "bind/net/http_stream.h"

#include "bind/net/http_answer.h"
#include "bind/wait.h"

#include <lauxlib.h>
#include <string.h>

#define CLASS "mooncrew.http.stream"

/* User values: 1 the answer's head, 2 the address as it was given. */
struct stream {
  struct mc_http *transfer; /* NULL once it is closed */
};

static int stream_close(lua_State *L) {
  struct stream *stream = luaL_checkudata(L, 1, CLASS);
  struct mc_http *transfer = stream->transfer;
  stream->transfer = NULL;
  mc_http_free(transfer);
  return 0;
}

static bool is_readable(struct bind_wait *wait) {
  struct stream *stream = wait->data;
  return !stream->transfer || mc_http_is_readable(stream->transfer);
}

static int read_on(lua_State *L, int status, lua_KContext context);

static int wait_for_more(lua_State *L, struct stream *stream) {
  lua_settop(L, 1);
  struct bind_wait *wait = bind_wait_new(L);
  wait->ready = is_readable;
  wait->data = stream;
  wait->on_loop = true;
  return bind_wait(L, wait, MC_FOREVER, (lua_KContext)stream, read_on);
}

static int read_on(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct stream *stream = (struct stream *)context;
  if (!stream->transfer)
    return luaL_error(L, "read: the stream is closed");
  const void *bytes;
  size_t n;
  mc_http_take(stream->transfer, &bytes, &n);
  if (n > 0) {
    lua_pushlstring(L, bytes, n);
    return 1;
  }
  if (!mc_http_is_done(stream->transfer))
    return wait_for_more(L, stream); /* another task was quicker */
  struct mc_http_result result = mc_http_outcome(stream->transfer);
  if (!result.failure.kind) {
    lua_pushnil(L);
    return 1;
  }
  lua_getiuservalue(L, 1, 2);
  return bind_http_push_failure(L, lua_tostring(L, -1), &result);
}

/* stream:read(): the next piece; nil at the end; nil and an error */
static int stream_read(lua_State *L) {
  struct stream *stream = luaL_checkudata(L, 1, CLASS);
  if (!stream->transfer)
    return luaL_error(L, "read: the stream is closed");
  if (!mc_http_is_ours(stream->transfer))
    return luaL_error(L, "read: the stream is of the process that opened it");
  return wait_for_more(L, stream);
}

/* A method, else what the head has. */
static int stream_index(lua_State *L) {
  luaL_checkudata(L, 1, CLASS);
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

static int stream_tostring(lua_State *L) {
  lua_getiuservalue(L, 1, 2);
  lua_pushfstring(L, CLASS ": %s", bind_http_push_shown(L, lua_tostring(L, -1), true));
  return 1;
}

void bind_http_push_stream(lua_State *L, struct mc_http **transfer, const char *url) {
  struct stream *stream = lua_newuserdatauv(L, sizeof *stream, 2);
  stream->transfer = NULL;
  luaL_setmetatable(L, CLASS);
  bind_http_push_head(L, *transfer, mc_http_status(*transfer), mc_http_url(*transfer),
                      mc_http_outcome(*transfer).location);
  lua_setiuservalue(L, -2, 1);
  lua_pushstring(L, url);
  lua_setiuservalue(L, -2, 2);
  stream->transfer = *transfer;
  *transfer = NULL;
}

static const luaL_Reg methods[] = {
    {"read", stream_read},
    {"close", stream_close},
    {NULL, NULL},
};

void bind_http_open_stream(lua_State *L) {
  if (luaL_newmetatable(L, CLASS)) {
    luaL_newlib(L, methods);
    lua_pushcclosure(L, stream_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, stream_close);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__close");
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, stream_tostring);
    lua_setfield(L, -2, "__tostring");
  }
  lua_pop(L, 1);
}
