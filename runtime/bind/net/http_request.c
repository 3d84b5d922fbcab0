#include "bind/net/http_request.h"

#include "bind/net/http_form.h"
#include "bind/net/http_jar.h"
#include "bind/options.h"

#include <lauxlib.h>
#include <string.h>

#define MAX_SIZE                                                                         \
  ((uint64_t)1 << 30) /* of a body in memory, unless the script says otherwise */

#define MAX_RATE ((uint64_t)1 << 40)

#define OPTIONS                                                                          \
  "timeout", "try_timeout", "connect_timeout", "stall_timeout", "min_rate", "cookies",   \
      "max_size", "follow", "max_redirects", "retries", "backoff", "insecure",           \
      "ca_file", "proxy", "headers"

static int wrong(lua_State *L, int arg, const char *name, const char *expected) {
  const char *got = luaL_typename(L, -1);
  if (lua_type(L, -1) == LUA_TNUMBER)
    got = luaL_tolstring(L, -1, NULL);
  return luaL_argerror(
      L, arg,
      lua_pushfstring(L, "option '%s': %s expected, got %s", name, expected, got));
}

/* Each reads one option of the table at `arg`; an absent one leaves the value as it is.
 */

static void seconds(lua_State *L, int arg, const char *name, double *value) {
  if (lua_getfield(L, arg, name) != LUA_TNIL) {
    lua_Number number = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || number != number)
      wrong(L, arg, name, "number of seconds");
    *value = number < 0 ? 0 : number;
  }
  lua_pop(L, 1);
}

static void boolean(lua_State *L, int arg, const char *name, bool *value) {
  if (lua_getfield(L, arg, name) != LUA_TNIL) {
    if (!lua_isboolean(L, -1))
      wrong(L, arg, name, "boolean");
    *value = lua_toboolean(L, -1);
  }
  lua_pop(L, 1);
}

static void count(lua_State *L, int arg, const char *name, int *value) {
  if (lua_getfield(L, arg, name) != LUA_TNIL) {
    int is_integer;
    lua_Integer number = lua_tointegerx(L, -1, &is_integer);
    if (lua_type(L, -1) != LUA_TNUMBER || !is_integer || number < 0 || number > 1000000)
      wrong(L, arg, name, "count");
    *value = (int)number;
  }
  lua_pop(L, 1);
}

static void size(lua_State *L, int arg, const char *name, uint64_t *value) {
  if (lua_getfield(L, arg, name) != LUA_TNIL) {
    lua_Number number = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || !(number >= 0))
      wrong(L, arg, name, "number of bytes");
    *value = number >= 9e18 ? MC_HTTP_NO_LIMIT : (uint64_t)number;
  }
  lua_pop(L, 1);
}

/* The string stays alive in the table of options, which the stack holds. */
static void string(lua_State *L, int arg, const char *name, const char **value,
                   size_t *length) {
  if (lua_getfield(L, arg, name) != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TSTRING)
      wrong(L, arg, name, "string");
    size_t n;
    *value = lua_tolstring(L, -1, &n);
    if (length)
      *length = n;
    else if (strlen(*value) != n)
      wrong(L, arg, name, "string without NUL bytes");
  }
  lua_pop(L, 1);
}

/* ---- headers ---- */

static bool is_text(lua_State *L, int index) {
  int type = lua_type(L, index);
  size_t length;
  return type == LUA_TNUMBER ||
         (type == LUA_TSTRING && lua_tolstring(L, index, &length) &&
          strlen(lua_tostring(L, index)) == length);
}

static int wrong_header(lua_State *L, int arg) {
  return luaL_argerror(
      L, arg,
      "option 'headers': { Name = \"value\", Name = { \"several\" } } or a list "
      "of \"Name: value\" expected");
}

/* Appends the string on top to the list of lines at `lines`. */
static void keep_line(lua_State *L, int lines) {
  lua_rawseti(L, lines, (lua_Integer)lua_rawlen(L, lines) + 1);
}

static void add_named(lua_State *L, int arg, int lines, const char *name) {
  if (!is_text(L, -1))
    wrong_header(L, arg);
  lua_pushfstring(L, "%s: %s", name, luaL_tolstring(L, -1, NULL));
  lua_remove(L, -2);
  keep_line(L, lines);
}

/* With a key and its value on top. */
static void add_entry(lua_State *L, int arg, int lines) {
  if (lua_type(L, -2) == LUA_TNUMBER) {
    if (lua_type(L, -1) != LUA_TSTRING || !is_text(L, -1))
      wrong_header(L, arg);
    lua_pushvalue(L, -1);
    keep_line(L, lines);
  } else if (lua_type(L, -2) != LUA_TSTRING || !is_text(L, -2)) {
    wrong_header(L, arg);
  } else if (lua_istable(L, -1)) {
    const char *name = lua_tostring(L, -2);
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
      lua_rawgeti(L, -1, i);
      add_named(L, arg, lines, name);
      lua_pop(L, 1);
    }
  } else {
    add_named(L, arg, lines, lua_tostring(L, -2));
  }
}

/* Pushes the lines, and an array of pointers to them. */
static void headers(lua_State *L, int arg, struct mc_http_request *request) {
  lua_newtable(L);
  int lines = lua_gettop(L);
  int type = lua_getfield(L, arg, "headers");
  if (type != LUA_TNIL && type != LUA_TTABLE)
    wrong_header(L, arg);
  if (type == LUA_TTABLE) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      add_entry(L, arg, lines);
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  size_t n = lua_rawlen(L, lines);
  const char **pointers = lua_newuserdatauv(L, (n + 1) * sizeof *pointers, 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, lines, (lua_Integer)i + 1);
    pointers[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  request->headers = pointers;
  request->n_headers = n;
}

static void cookies(lua_State *L, int arg, struct mc_http_jar **jar) {
  if (lua_getfield(L, arg, "cookies") != LUA_TNIL) {
    *jar = bind_http_to_jar(L, -1);
    if (!*jar)
      wrong(L, arg, "cookies", "what http.cookies() returns");
  }
  lua_pop(L, 1);
}

/* ---- the whole ---- */

static void read_options(lua_State *L, int arg, struct bind_http_request *given) {
  struct mc_http_request *request = &given->request;
  given->options = arg;
  seconds(L, arg, "timeout", &request->timeout);
  seconds(L, arg, "try_timeout", &request->try_timeout);
  seconds(L, arg, "connect_timeout", &request->connect_timeout);
  seconds(L, arg, "stall_timeout", &request->stall_timeout);
  seconds(L, arg, "backoff", &request->backoff);
  size(L, arg, "max_size", &request->max_size);
  size(L, arg, "min_rate", &request->min_rate);
  if (request->min_rate < 1 || request->min_rate > MAX_RATE)
    request->min_rate = request->min_rate < 1 ? 1 : MAX_RATE;
  cookies(L, arg, &request->jar);
  boolean(L, arg, "follow", &request->follow);
  boolean(L, arg, "insecure", &request->insecure);
  count(L, arg, "max_redirects", &request->max_redirects);
  count(L, arg, "retries", &request->retries);
  string(L, arg, "ca_file", &request->ca_file, NULL);
  string(L, arg, "proxy", &request->proxy, NULL);
  headers(L, arg, request);
}

static void set_defaults(struct bind_http_request *given) {
  mc_http_defaults(&given->request);
  given->request.max_size = MAX_SIZE;
  given->options = 1;
}

void bind_http_check_url(lua_State *L, int arg, struct bind_http_request *given) {
  size_t length;
  set_defaults(given);
  luaL_checktype(L, arg, LUA_TSTRING);
  given->request.url = lua_tolstring(L, arg, &length);
  luaL_argcheck(L, strlen(given->request.url) == length, arg,
                "a URL cannot contain a NUL byte");
}

void bind_http_check_path(lua_State *L, int arg, struct bind_http_request *given) {
  size_t length;
  luaL_checktype(L, arg, LUA_TSTRING);
  given->request.path = lua_tolstring(L, arg, &length);
  luaL_argcheck(L, strlen(given->request.path) == length, arg,
                "a path cannot contain a NUL byte");
  given->request.max_size = MC_HTTP_NO_LIMIT;
}

void bind_http_check_options(lua_State *L, int arg, struct bind_http_request *given) {
  static const char *const known[] = {OPTIONS, NULL};
  static const char *const of_files[] = {OPTIONS, "sha256", NULL};
  if (lua_isnoneornil(L, arg))
    return;
  bool to_file = given->request.path != NULL;
  bind_check_options(L, arg, to_file ? of_files : known);
  if (to_file)
    boolean(L, arg, "sha256", &given->request.sha256);
  read_options(L, arg, given);
}

static void limit(lua_State *L, int arg, const char *name, long *value) {
  int n = 0;
  count(L, arg, name, &n);
  *value = n;
}

void bind_http_check_limits(lua_State *L, int arg, struct mc_http_limits *limits) {
  static const char *const known[] = {"connections", "per_host", "kept", "streams", NULL};
  bind_check_options(L, arg, known);
  limit(L, arg, "connections", &limits->connections);
  limit(L, arg, "per_host", &limits->per_host);
  limit(L, arg, "kept", &limits->kept);
  limit(L, arg, "streams", &limits->streams);
}

/* A body: a string, a function that gives its pieces, a file or a form. */
static void check_body(lua_State *L, int arg, struct mc_http_request *request) {
  const char *body = NULL;
  request->fed = lua_getfield(L, arg, "body") == LUA_TFUNCTION;
  if (!request->fed && !lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
    wrong(L, arg, "body", "string or function");
  lua_pop(L, 1);
  if (!request->fed)
    string(L, arg, "body", &body, &request->body_length);
  request->body = body;
  string(L, arg, "body_file", &request->upload, NULL);
  bind_http_check_form(L, arg, request);
  size(L, arg, "body_length", &request->fed_length);
  if (request->fed_length != MC_HTTP_NO_LIMIT && !request->fed)
    luaL_argerror(L, arg, "option 'body_length' is for a body that is a function");
  bool has_body = body || request->fed;
  if (has_body + !!request->upload + !!request->fields > 1)
    luaL_argerror(L, arg,
                  "options 'body', 'body_file', and 'form' with 'files' exclude each "
                  "other");
}

void bind_http_check_request(lua_State *L, int arg, struct bind_http_request *given) {
  static const char *const known[] = {OPTIONS, "url",       "method",
                                      "body",  "body_file", "body_length",
                                      "form",  "files",     NULL};
  set_defaults(given);
  bind_check_options(L, arg, known);
  struct mc_http_request *request = &given->request;
  string(L, arg, "url", &request->url, NULL);
  if (!request->url)
    luaL_argerror(L, arg, "option 'url': string expected, got nil");
  lua_getfield(L, arg,
               "url"); /* stays on the stack: the error of a late answer names it */
  string(L, arg, "method", &request->method, NULL);
  check_body(L, arg, request);
  read_options(L, arg, given);
}
