#include "bind/net/http_request.h"

#include "bind/net/http_form.h"
#include "bind/net/http_jar.h"
#include "bind/options.h"

#include <lauxlib.h>
#include <string.h>
#include <strings.h>

#define MAX_SIZE                                                                         \
  ((uint64_t)1 << 30) /* of a body in memory, unless the script says otherwise */

#define MAX_RATE ((uint64_t)1 << 40)

static int refuse(lua_State *L, int arg, const char *name, const char *expected,
                  const char *got) {
  return luaL_argerror(
      L, arg,
      lua_pushfstring(L, "option '%s': %s expected, got %s", name, expected, got));
}

static int wrong(lua_State *L, int arg, const char *name, const char *expected) {
  const char *got = luaL_typename(L, -1);
  if (lua_type(L, -1) == LUA_TNUMBER)
    got = luaL_tolstring(L, -1, NULL);
  return refuse(L, arg, name, expected, got);
}

/* Each reads the value on top, of the table at `arg`. */

static void seconds(lua_State *L, int arg, const char *name, void *field) {
  lua_Number number = lua_tonumber(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER || number != number)
    wrong(L, arg, name, "number of seconds");
  *(double *)field = number < 0 ? 0 : number;
}

static void boolean(lua_State *L, int arg, const char *name, void *field) {
  if (!lua_isboolean(L, -1))
    wrong(L, arg, name, "boolean");
  *(bool *)field = lua_toboolean(L, -1);
}

static void count(lua_State *L, int arg, const char *name, void *field) {
  int is_integer;
  lua_Integer number = lua_tointegerx(L, -1, &is_integer);
  if (lua_type(L, -1) != LUA_TNUMBER || !is_integer || number < 0 || number > 1000000)
    wrong(L, arg, name, "count");
  *(int *)field = (int)number;
}

static void size(lua_State *L, int arg, const char *name, void *field) {
  lua_Number number = lua_tonumber(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER || !(number >= 0))
    wrong(L, arg, name, "number of bytes");
  *(uint64_t *)field = number >= 9e18 ? MC_HTTP_NO_LIMIT : (uint64_t)number;
}

/* The string stays alive in the table of options, which the stack holds. */
static void string(lua_State *L, int arg, const char *name, void *field) {
  if (lua_type(L, -1) != LUA_TSTRING)
    wrong(L, arg, name, "string");
  size_t n;
  const char *text = lua_tolstring(L, -1, &n);
  if (strlen(text) != n)
    refuse(L, arg, name, "string", "one with a NUL byte");
  *(const char **)field = text;
}

static void cookies(lua_State *L, int arg, const char *name, void *field) {
  struct mc_http_jar *jar = bind_http_to_jar(L, -1);
  if (!jar)
    wrong(L, arg, name, "what http.cookies() returns");
  *(struct mc_http_jar **)field = jar;
}

/* Those that each request has, but for the headers. */
static const struct option {
  const char *name;
  void (*read)(lua_State *L, int arg, const char *name, void *field);
  size_t field;
} options[] = {
    {"timeout", seconds, offsetof(struct mc_http_request, timeout)},
    {"try_timeout", seconds, offsetof(struct mc_http_request, try_timeout)},
    {"connect_timeout", seconds, offsetof(struct mc_http_request, connect_timeout)},
    {"stall_timeout", seconds, offsetof(struct mc_http_request, stall_timeout)},
    {"backoff", seconds, offsetof(struct mc_http_request, backoff)},
    {"max_size", size, offsetof(struct mc_http_request, max_size)},
    {"min_rate", size, offsetof(struct mc_http_request, min_rate)},
    {"cookies", cookies, offsetof(struct mc_http_request, jar)},
    {"follow", boolean, offsetof(struct mc_http_request, follow)},
    {"insecure", boolean, offsetof(struct mc_http_request, insecure)},
    {"max_redirects", count, offsetof(struct mc_http_request, max_redirects)},
    {"retries", count, offsetof(struct mc_http_request, retries)},
    {"ca_file", string, offsetof(struct mc_http_request, ca_file)},
    {"proxy", string, offsetof(struct mc_http_request, proxy)},
    {NULL, NULL, 0},
};

/* Reads an option that may be absent: then the field stays as it is. */
static void read_one(lua_State *L, int arg, const struct option *option, void *field) {
  if (lua_getfield(L, arg, option->name) != LUA_TNIL)
    option->read(L, arg, option->name, field);
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

/* With what is wrong on top. */
static int wrong_header(lua_State *L, int arg) {
  return refuse(
      L, arg, "headers",
      "{ Name = \"value\", Name = { \"several\" } } or a list of \"Name: value\"",
      lua_type(L, -1) == LUA_TSTRING && !is_text(L, -1) ? "a string with a NUL byte"
                                                        : luaL_typename(L, -1));
}

/* What stands in front of the colon, for a message: what is behind it may be secret. */
static const char *push_name(lua_State *L, const char *line, size_t n) {
  char name[60];
  if (n >= sizeof name)
    n = sizeof name - 1;
  for (size_t i = 0; i < n; i++)
    name[i] = (unsigned char)line[i] < ' ' || line[i] == 0x7f ? '?' : line[i];
  return lua_pushlstring(L, name, n);
}

int bind_http_refuse(lua_State *L, const struct bind_http_request *given,
                     const char *what) {
  const char *colon = strchr(what, ':');
  bool is_method = what == given->request.method;
  size_t n = colon && !is_method ? (size_t)(colon - what) : strlen(what);
  bool is_word = strcspn(what, " \t\r\n") >= n;
  if (is_method)
    return refuse(L, given->options, "method", "word of letters",
                  lua_pushfstring(L, "'%s'", push_name(L, what, n)));
  if (!colon)
    return refuse(L, given->options, "headers", "\"Name: value\"",
                  "a line without a colon");
  if (is_word && strpbrk(colon, "\r\n"))
    return refuse(L, given->options, "headers", "one line",
                  lua_pushfstring(L, "'%s' with a line break", push_name(L, what, n)));
  return refuse(L, given->options, "headers", "name of letters, digits and hyphens",
                lua_pushfstring(L, "'%s'", push_name(L, what, n)));
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

static bool is_empty(lua_State *L) {
  lua_pushnil(L);
  bool is = !lua_next(L, -2);
  lua_pop(L, is ? 0 : 2);
  return is;
}

/* With a key and its value on top. */
static void add_entry(lua_State *L, int arg, int lines) {
  if (lua_type(L, -2) == LUA_TNUMBER) {
    if (lua_type(L, -1) != LUA_TSTRING || !is_text(L, -1))
      wrong_header(L, arg);
    lua_pushvalue(L, -1);
    keep_line(L, lines);
  } else if (lua_type(L, -2) != LUA_TSTRING || !is_text(L, -2)) {
    lua_pop(L, 1);
    wrong_header(L, arg);
  } else if (strchr(lua_tostring(L, -2), ':')) {
    refuse(
        L, arg, "headers", "name of letters, digits and hyphens",
        lua_pushfstring(L, "'%s'", push_name(L, lua_tostring(L, -2), lua_rawlen(L, -2))));
  } else if (lua_istable(L, -1)) {
    const char *name = lua_tostring(L, -2);
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    if (n == 0 && !is_empty(L))
      wrong_header(L, arg); /* no list */
    for (lua_Integer i = 1; i <= n; i++) {
      lua_rawgeti(L, -1, i);
      add_named(L, arg, lines, name);
      lua_pop(L, 1);
    }
  } else {
    add_named(L, arg, lines, lua_tostring(L, -2));
  }
}

/* True when the table on top is nothing but a list of n lines. */
static bool is_list_of_lines(lua_State *L, size_t n) {
  size_t found = 0;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_Integer at = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    bool is_in = at >= 1 && (lua_Unsigned)at <= n;
    bool is_line = lua_type(L, -1) == LUA_TSTRING && is_text(L, -1);
    lua_pop(L, 1);
    if (!is_in || !is_line) {
      lua_pop(L, 1);
      return false;
    }
    found++;
  }
  return found == n;
}

/* Puts a list of the lines that it means in the place of the table on top. */
static void make_lines(lua_State *L, int arg) {
  lua_newtable(L);
  lua_insert(L, -2);
  int table = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, table)) {
    add_entry(L, arg, table - 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Pushes what holds the lines, and an array of pointers to them. */
static void headers(lua_State *L, int arg, struct mc_http_request *request) {
  int type = lua_getfield(L, arg, "headers");
  if (type == LUA_TNIL)
    return;
  if (type != LUA_TTABLE)
    wrong_header(L, arg);
  if (!is_list_of_lines(L, lua_rawlen(L, -1)))
    make_lines(L, arg);
  size_t n = lua_rawlen(L, -1);
  const char **pointers = lua_newuserdatauv(L, (n + 1) * sizeof *pointers, 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    pointers[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  request->headers = pointers;
  request->n_headers = n;
}

/* ---- the whole ---- */

static const struct option *find(const char *name) {
  for (const struct option *option = options; option->name; option++)
    if (*option->name == *name && strcmp(option->name, name) == 0)
      return option; /* most differ at once */
  return NULL;
}

/* Options that a metatable gives count as well: whoever has defaults keeps them there.
 * They are copied, for nothing else may hold what a function makes up. */
static void take_inherited(lua_State *L, int arg, const char *const *others) {
  if (!lua_getmetatable(L, arg))
    return;
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, arg);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  for (const struct option *option = options; option->name; option++) {
    lua_getfield(L, arg, option->name);
    lua_setfield(L, -2, option->name);
  }
  for (; *others; others++) {
    lua_getfield(L, arg, *others);
    lua_setfield(L, -2, *others);
  }
  lua_replace(L, arg);
  lua_pop(L, 1);
}

/* Reads what each request has; `others` are the names of what is read besides. A table
 * has few of them, so it is gone through, and not asked for each. */
static void read_options(lua_State *L, int arg, struct bind_http_request *given,
                         const char *const *others) {
  struct mc_http_request *request = &given->request;
  given->options = arg;
  luaL_checktype(L, arg, LUA_TTABLE);
  take_inherited(L, arg, others);
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    const struct option *option = find(name);
    if (option)
      option->read(L, arg, option->name, (char *)request + option->field);
    else
      bind_check_option(L, arg, -2, others);
    lua_pop(L, 1);
  }
  if (request->min_rate < 1 || request->min_rate > MAX_RATE)
    request->min_rate = request->min_rate < 1 ? 1 : MAX_RATE;
  headers(L, arg, request);
}

static void set_defaults(struct bind_http_request *given) {
  mc_http_defaults(&given->request);
  given->bare = false;
  given->body = 0;
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
  static const char *const others[] = {"headers", NULL};
  static const char *const of_files[] = {"headers", "sha256", "bare", NULL};
  static const struct option sha256 = {"sha256", boolean, 0}, bare = {"bare", boolean, 0};
  if (lua_isnoneornil(L, arg))
    return;
  bool to_file = given->request.path != NULL;
  read_options(L, arg, given, to_file ? of_files : others);
  if (!to_file)
    return;
  read_one(L, arg, &sha256, &given->request.sha256);
  read_one(L, arg, &bare, &given->bare);
}

static void limit(lua_State *L, int arg, const char *name, long *value) {
  int n = 0;
  read_one(L, arg, &(struct option){name, count, 0}, &n);
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
  static const struct option file = {"body_file", string, 0};
  static const struct option length = {"body_length", size, 0};
  int type = lua_getfield(L, arg, "body");
  request->fed = type == LUA_TFUNCTION;
  if (!request->fed && type != LUA_TNIL && type != LUA_TSTRING)
    wrong(L, arg, "body", "string or function");
  if (type == LUA_TSTRING)
    request->body = lua_tolstring(L, -1, &request->body_length);
  lua_pop(L, 1);
  read_one(L, arg, &file, &request->upload);
  bind_http_check_form(L, arg, request);
  read_one(L, arg, &length, &request->fed_length);
  if (request->fed_length != MC_HTTP_NO_LIMIT && !request->fed)
    luaL_argerror(L, arg, "option 'body_length' is for a body that is a function");
  bool has_body = request->body || request->fed;
  if (has_body + !!request->upload + !!request->fields > 1)
    luaL_argerror(L, arg,
                  "options 'body', 'body_file', and 'form' with 'files' exclude each "
                  "other");
}

void bind_http_check_request(lua_State *L, int arg, struct bind_http_request *given) {
  static const char *const others[] = {"headers", "url",       "method",
                                       "body",    "body_file", "body_length",
                                       "form",    "files",     NULL};
  static const struct option url = {"url", string, 0}, method = {"method", string, 0};
  set_defaults(given);
  struct mc_http_request *request = &given->request;
  read_options(L, arg, given, others);
  read_one(L, arg, &url, &request->url);
  if (!request->url)
    luaL_argerror(L, arg, "option 'url': string expected, got nil");
  lua_getfield(L, arg,
               "url"); /* stays on the stack: the error of a late answer names it */
  read_one(L, arg, &method, &request->method);
  check_body(L, arg, request);
  bool has_body = request->body || request->fed || request->upload || request->fields;
  if (has_body && request->method && strcasecmp(request->method, "HEAD") == 0)
    refuse(L, arg, "method", "one that has a body",
           lua_pushfstring(L, "'%s'", request->method));
  if (request->fed) {
    lua_getfield(L, arg, "body");
    given->body = lua_gettop(L);
  }
}
