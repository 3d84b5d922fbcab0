/* mooncrew.http: requests, and their answers as Lua tables. See
 * lua/mooncrew/meta/http.lua for what scripts see, and bind/net/http_request.c for what
 * they give. */
#include "net/http.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/net/http_answer.h"
#include "bind/net/http_jar.h"
#include "bind/net/http_request.h"
#include "bind/net/http_stream.h"
#include "bind/net/parts.h"
#include "bind/wait.h"
#include "crew/loop.h"
#include "include/mooncrew.h"
#include "net/fs.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#define CLASS "mooncrew.http.transfer"

/* A request under way: a to-be-closed userdata, so that neither an error nor the
 * cancellation of a task leaves the transfer or its file behind. */
struct call {
  struct mc_http *transfer;
  bool is_stream;
  int body;     /* where on the stack the function is that gives it; 0: there is none */
  bool is_bare; /* nobody wants the answer's headers */
  const char *path; /* of a download; a string on the stack */
  const char *url;  /* as it was given; likewise */
};

static int call_close(lua_State *L) {
  struct call *call = luaL_checkudata(L, 1, CLASS);
  struct mc_http *transfer = call->transfer;
  call->transfer = NULL;
  mc_http_free(transfer);
  return 0;
}

static bool is_over(struct bind_wait *wait) {
  struct call *call = wait->data;
  return !call->transfer || mc_http_is_done(call->transfer);
}

/* ---- answers ---- */

static int push_answer(lua_State *L, const struct call *call,
                       const struct mc_http_result *result) {
  if (call->is_bare)
    bind_http_push_bare(L, result->status, result->url, result->location);
  else
    bind_http_push_head(L, call->transfer, result->status, result->url, result->location);
  lua_pushinteger(L, result->attempts);
  lua_setfield(L, -2, "attempts");
  if (!call->path) {
    lua_pushlstring(L, result->body, result->body_length);
    lua_setfield(L, -2, "body");
    return 1;
  }
  lua_pushstring(L, call->path);
  lua_setfield(L, -2, "path");
  lua_pushinteger(L, (lua_Integer)result->size);
  lua_setfield(L, -2, "size");
  if (result->sha256) {
    lua_pushstring(L, result->sha256);
    lua_setfield(L, -2, "sha256");
  }
  return 1;
}

static int answered(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct call *call = (struct call *)context;
  struct mc_http_result result = mc_http_outcome(call->transfer);
  return result.failure.kind ? bind_http_push_failure(L, call->url, &result)
                             : push_answer(L, call, &result);
}

static bool is_open(struct bind_wait *wait) {
  struct call *call = wait->data;
  return !call->transfer || mc_http_is_open(call->transfer);
}

static int opened(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct call *call = (struct call *)context;
  struct mc_http_result result = mc_http_outcome(call->transfer);
  if (result.failure.kind)
    return bind_http_push_failure(L, call->url, &result);
  bind_http_push_stream(L, &call->transfer, call->url);
  return 1;
}

/* ---- a body that is a function ---- */

static bool is_hungry_or_over(struct bind_wait *wait) {
  struct call *call = wait->data;
  return !call->transfer || mc_http_is_hungry(call->transfer) ||
         !mc_http_is_sending(call->transfer);
}

/* With what the function returned on top. */
static void feed(lua_State *L, struct call *call) {
  size_t n = 0;
  const char *bytes = NULL;
  if (lua_type(L, -1) == LUA_TSTRING)
    bytes = lua_tolstring(L, -1, &n);
  else if (!lua_isnil(L, -1))
    luaL_error(L,
               "option 'body': the function has to return a string, or nil at the end, "
               "not a %s",
               luaL_typename(L, -1));
  int error = mc_http_feed(call->transfer, bytes, n);
  if (error == -EMSGSIZE)
    luaL_error(L, "option 'body': the function returned %s bytes than 'body_length' says",
               n ? "more" : "fewer");
  else if (error)
    luaL_error(L, "not enough memory");
  lua_pop(L, 1);
}

static int waited(lua_State *L, int status, lua_KContext context);
static int asked(lua_State *L, int status, lua_KContext context);

/* One piece after the other; the function may wait, and in a task that suspends it. */
static int send_on(lua_State *L, struct bind_wait *wait) {
  struct call *call = wait->data;
  while (mc_http_is_sending(call->transfer)) {
    if (!mc_http_is_hungry(call->transfer)) {
      wait->ready = is_hungry_or_over;
      if (bind_in_task(L))
        return bind_wait(L, wait, MC_FOREVER, (lua_KContext)wait, waited);
      bind_block(L, wait, MC_FOREVER);
      continue;
    }
    lua_pushvalue(L, call->body);
    lua_callk(L, 0, 1, (lua_KContext)wait, asked);
    feed(L, call);
  }
  wait->ready = call->is_stream ? is_open : is_over;
  return bind_wait(L, wait, MC_FOREVER, (lua_KContext)call,
                   call->is_stream ? opened : answered);
}

static int waited(lua_State *L, int status, lua_KContext context) {
  (void)status;
  return send_on(L, (struct bind_wait *)context);
}

static int asked(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct bind_wait *wait = (struct bind_wait *)context;
  feed(L, wait->data);
  return send_on(L, wait);
}

/* ---- requests ---- */

static int start_failed(lua_State *L, const struct bind_http_request *given, int error,
                        const char *path) {
  const struct mc_http_request *request = &given->request;
  if (error == -EINVAL)
    return bind_http_refuse(L, given, path);
  const char *shown = bind_http_push_shown(L, request->url, true);
  lua_pushnil(L);
  if (error == -ENOMEM || !path) {
    bind_push_error(L, "NoMemory", "%s: %s", shown, strerror(-error));
    return 2;
  }
  bind_push_error(L, "OSError", "%s: %s: %s", request->path ? "download" : "request",
                  path, error == -EEXIST ? "Not a regular file" : strerror(-error));
  lua_pushstring(L, mc_errno_name(error));
  lua_setfield(L, -2, "code");
  lua_pushstring(L, path);
  lua_setfield(L, -2, "path");
  return 2;
}

static int perform(lua_State *L, struct bind_http_request *given) {
  int error;
  uv_loop_t *loop = mc_loop(&error);
  if (!loop) {
    lua_pushnil(L);
    bind_push_error(L, mc_error_kind(error), "no loop: %s", mc_strerror(error));
    return 2;
  }
  struct call *call = lua_newuserdatauv(L, sizeof *call, 0);
  *call = (struct call){.path = given->request.path,
                        .url = given->request.url,
                        .is_stream = given->request.stream,
                        .body = given->body,
                        .is_bare = given->bare};
  luaL_setmetatable(L, CLASS);
  lua_toclose(L, -1);
  struct bind_wait *wait = bind_wait_new(L);
  const char *culprit;
  given->request.user_agent = "mooncrew/" MOONCREW_VERSION;
  error = mc_http_start(loop, &given->request, &call->transfer, &culprit);
  if (error)
    return start_failed(L, given, error, culprit);
  wait->ready = call->is_stream ? is_open : is_over;
  wait->data = call;
  wait->on_loop = true;
  if (call->body)
    return send_on(L, wait);
  return bind_wait(L, wait, MC_FOREVER, (lua_KContext)call,
                   call->is_stream ? opened : answered);
}

/* http.get(url [, options]) */
static int http_get(lua_State *L) {
  struct bind_http_request given;
  bind_http_check_url(L, 1, &given);
  lua_settop(L, 2);
  bind_http_check_options(L, 2, &given);
  return perform(L, &given);
}

/* http.request{ url = …, method = …, body = …, and the options of get } */
static int http_request(lua_State *L) {
  struct bind_http_request given;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  bind_http_check_request(L, 1, &given);
  return perform(L, &given);
}

/* http.download(url, path [, options]) */
static int http_download(lua_State *L) {
  struct bind_http_request given;
  bind_http_check_url(L, 1, &given);
  bind_http_check_path(L, 2, &given);
  lua_settop(L, 3);
  bind_http_check_options(L, 3, &given);
  return perform(L, &given);
}

/* http.stream{ … }, as request */
static int http_stream(lua_State *L) {
  struct bind_http_request given;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  bind_http_check_request(L, 1, &given);
  given.request.stream = true;
  return perform(L, &given);
}

/* http.limits{ … } */
static int http_limits(lua_State *L) {
  struct mc_http_limits limits;
  luaL_checktype(L, 1, LUA_TTABLE);
  bind_http_check_limits(L, 1, &limits);
  mc_http_set_limits(&limits);
  return 0;
}

static const luaL_Reg functions[] = {
    {"get", http_get},
    {"request", http_request},
    {"download", http_download},
    {"stream", http_stream},
    {"cookies", bind_http_new_jar},
    {"limits", http_limits},
    {NULL, NULL},
};

int bind_net_open_http(lua_State *L) {
  (void)mc_http_global(); /* the first request says what is wrong */
  if (luaL_newmetatable(L, CLASS)) {
    lua_pushcfunction(L, call_close);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__close");
    lua_setfield(L, -2, "__gc");
  }
  bind_http_open_stream(L);
  bind_http_open_jar(L);
  luaL_newlib(L, functions);
  return 1;
}
