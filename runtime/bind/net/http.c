/* mooncrew.http: requests, and their answers as Lua tables. See
 * lua/mooncrew/meta/http.lua for what scripts see, and bind/net/http_request.c for what
 * they give. */
#include "net/http.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/net/http_request.h"
#include "bind/net/parts.h"
#include "bind/wait.h"
#include "crew/loop.h"
#include "include/mooncrew.h"
#include "net/fs.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <strings.h>

#define CLASS "mooncrew.http.transfer"

/* A request under way: a to-be-closed userdata, so that neither an error nor the
 * cancellation of a task leaves the transfer or its file behind. */
struct call {
  struct mc_http *transfer;
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

/* Adds a header to the table on top; one that came before is joined as RFC 9110 says,
 * cookies by a line break, since they contain commas. */
static void add_header(lua_State *L, const char *name, const char *value) {
  if (lua_getfield(L, -1, name) == LUA_TSTRING) {
    const char *between = strcmp(name, "set-cookie") == 0 ? "\n" : ", ";
    lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), between, value);
    lua_remove(L, -2);
  } else {
    lua_pop(L, 1);
    lua_pushstring(L, value);
  }
  lua_setfield(L, -2, name);
}

static void push_headers(lua_State *L, const struct mc_http *transfer) {
  size_t cursor = 0;
  const char *name, *value;
  lua_newtable(L);
  while (mc_http_next_header(transfer, &cursor, &name, &value))
    add_header(L, name, value);
}

/* Sets `encoding` of the answer on top to the charset that its content type names. */
static void set_encoding(lua_State *L) {
  lua_getfield(L, -1, "headers");
  if (lua_getfield(L, -1, "content-type") == LUA_TSTRING) {
    const char *at = lua_tostring(L, -1);
    while ((at = strchr(at, ';'))) {
      at += 1 + strspn(at + 1, " \t");
      if (strncasecmp(at, "charset=", 8) != 0)
        continue;
      at += 8 + strspn(at + 8, "\"' ");
      size_t length = strcspn(at, "\"'; ");
      if (length > 0) {
        lua_pushlstring(L, at, length);
        lua_setfield(L, -4, "encoding");
      }
      break;
    }
  }
  lua_pop(L, 2);
}

static int push_answer(lua_State *L, const struct call *call,
                       const struct mc_http_result *result) {
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, result->status);
  lua_setfield(L, -2, "status");
  lua_pushstring(L, result->url);
  lua_setfield(L, -2, "url");
  push_headers(L, call->transfer);
  lua_setfield(L, -2, "headers");
  set_encoding(L);
  if (call->path) {
    lua_pushstring(L, call->path);
    lua_setfield(L, -2, "path");
    lua_pushinteger(L, (lua_Integer)result->size);
    lua_setfield(L, -2, "size");
  } else {
    lua_pushlstring(L, result->body, result->body_length);
    lua_setfield(L, -2, "body");
  }
  return 1;
}

/* nil and the error. The whole request's time-out is the constant, as of any wait. */
static int push_failure(lua_State *L, const struct call *call,
                        const struct mc_http_result *result) {
  const struct mc_http_failure *failure = &result->failure;
  if (!strcmp(failure->kind, "Timeout") && !strcmp(failure->code, "TOTAL"))
    return bind_outcome(L, MC_TIMEOUT);
  lua_pushnil(L);
  bind_push_error(L, failure->kind, "%s: %s", call->url, failure->text);
  if (failure->code) {
    lua_pushstring(L, failure->code);
    lua_setfield(L, -2, "code");
  }
  if (result->status) {
    lua_pushinteger(L, result->status);
    lua_setfield(L, -2, "status");
  }
  lua_pushstring(L, call->url);
  lua_setfield(L, -2, "url");
  return 2;
}

static int answered(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct call *call = (struct call *)context;
  struct mc_http_result result = mc_http_outcome(call->transfer);
  return result.failure.kind ? push_failure(L, call, &result)
                             : push_answer(L, call, &result);
}

/* ---- requests ---- */

static int start_failed(lua_State *L, const struct bind_http_request *given, int error) {
  if (error == -EINVAL)
    return luaL_argerror(
        L, given->options,
        "a method or header that cannot be sent (a name is letters, digits "
        "and hyphens, and no line break is in a value)");
  lua_pushnil(L);
  const char *path = given->request.path;
  if (error == -ENOMEM || !path) {
    bind_push_error(L, "NoMemory", "%s: %s", given->request.url, strerror(-error));
    return 2;
  }
  bind_push_error(L, "OSError", "download: %s: %s", path,
                  error == -EEXIST ? "Not a regular file" : strerror(-error));
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
    bind_push_error(L, mc_error_kind(error), "%s: no loop: %s", given->request.url,
                    mc_strerror(error));
    return 2;
  }
  struct call *call = lua_newuserdatauv(L, sizeof *call, 0);
  *call = (struct call){.path = given->request.path, .url = given->request.url};
  luaL_setmetatable(L, CLASS);
  lua_toclose(L, -1);
  struct bind_wait *wait = bind_wait_new(L);
  given->request.user_agent = "mooncrew/" MOONCREW_VERSION;
  error = mc_http_start(loop, &given->request, &call->transfer);
  if (error)
    return start_failed(L, given, error);
  wait->ready = is_over;
  wait->data = call;
  wait->on_loop = true;
  return bind_wait(L, wait, MC_FOREVER, (lua_KContext)call, answered);
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

static const luaL_Reg functions[] = {
    {"get", http_get},
    {"request", http_request},
    {"download", http_download},
    {NULL, NULL},
};

int bind_net_open_http(lua_State *L) {
  if (luaL_newmetatable(L, CLASS)) {
    lua_pushcfunction(L, call_close);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__close");
    lua_setfield(L, -2, "__gc");
  }
  luaL_newlib(L, functions);
  return 1;
}
