#include "bind/net/http_answer.h"

#include "base/error.h"
#include "bind/error.h"

#include <lauxlib.h>
#include <string.h>
#include <strings.h>

/* Adds a header to the table on top; one that came before is joined as RFC 9110 says,
 * cookies by a line break, since they contain commas. */
static void add_header(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, name);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, -3) == LUA_TSTRING) {
    const char *between = strcmp(name, "set-cookie") == 0 ? "\n" : ", ";
    lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), between, value);
    lua_remove(L, -2);
  } else {
    lua_pop(L, 1);
    lua_pushstring(L, value);
  }
  lua_rawset(L, -3);
}

static void push_headers(lua_State *L, const struct mc_http *transfer) {
  size_t cursor = 0;
  const char *name, *value;
  int n = 0;
  while (mc_http_next_header(transfer, &cursor, &name, &value))
    n++;
  lua_createtable(L, 0, n);
  cursor = 0;
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

void bind_http_push_bare(lua_State *L, int status, const char *url,
                         const char *location) {
  lua_createtable(L, 0, 8);
  lua_pushinteger(L, status);
  lua_setfield(L, -2, "status");
  lua_pushstring(L, url);
  lua_setfield(L, -2, "url");
  if (location) {
    lua_pushstring(L, location);
    lua_setfield(L, -2, "location");
  }
}

void bind_http_push_head(lua_State *L, const struct mc_http *transfer, int status,
                         const char *url, const char *location) {
  bind_http_push_bare(L, status, url, location);
  push_headers(L, transfer);
  lua_setfield(L, -2, "headers");
  set_encoding(L);
}

const char *bind_http_push_shown(lua_State *L, const char *url, bool is_one) {
  char shown[MC_HTTP_URL_SHOWN];
  mc_http_show_url(url, is_one, shown);
  return lua_pushstring(L, shown);
}

/* nil and the error. The whole request's time-out is the constant, as of any wait. */
int bind_http_push_failure(lua_State *L, const char *url,
                           const struct mc_http_result *result) {
  const struct mc_http_failure *failure = &result->failure;
  if (!strcmp(failure->kind, "Timeout") && !strcmp(failure->code, "TOTAL"))
    return bind_outcome(L, MC_TIMEOUT);
  bool is_one = result->attempts > 0; /* a URL that is none was never asked for */
  const char *shown = bind_http_push_shown(L, url, is_one);
  lua_pushnil(L);
  bind_push_error(L, failure->kind, "%s: %s", shown, failure->text);
  if (failure->code) {
    lua_pushstring(L, failure->code);
    lua_setfield(L, -2, "code");
  }
  if (result->status) {
    lua_pushinteger(L, result->status);
    lua_setfield(L, -2, "status");
  }
  if (result->location) {
    lua_pushstring(L, result->location);
    lua_setfield(L, -2, "location");
  }
  lua_pushinteger(L, result->attempts);
  lua_setfield(L, -2, "attempts");
  lua_pushstring(L, url);
  lua_setfield(L, -2, "url");
  return 2;
}
