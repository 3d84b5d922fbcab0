#include "bind/net/http_jar.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#define CLASS "mooncrew.http.cookies"

struct mc_http_jar *bind_http_to_jar(lua_State *L, int index) {
  struct mc_http_jar **box = luaL_testudata(L, index, CLASS);
  return box ? *box : NULL;
}

/* A finalizer may come after the jar's own. */
static struct mc_http_jar *check_jar(lua_State *L) {
  struct mc_http_jar *jar = *(struct mc_http_jar **)luaL_checkudata(L, 1, CLASS);
  luaL_argcheck(L, jar, 1, "the jar is collected already");
  return jar;
}

static void add(lua_State *L, struct mc_http_jar *jar, int arg, const char *line) {
  int error = mc_http_jar_add(jar, line);
  if (error == -ENOMEM)
    luaL_error(L, "no memory for a cookie");
  luaL_argcheck(L, !error, arg, "a cookie cannot have a line break");
}

/* The string at an index, which must be one line. */
static const char *check_line(lua_State *L, int index, int arg) {
  size_t length;
  const char *line =
      lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &length) : NULL;
  if (!line || strlen(line) != length)
    luaL_argerror(L, arg,
                  lua_pushfstring(
                      L, "line of a cookies.txt, or \"Set-Cookie: …\", expected, got %s",
                      line ? "one with a NUL byte" : luaL_typename(L, index)));
  return line;
}

/* jar:add(line) */
static int jar_add(lua_State *L) {
  struct mc_http_jar *jar = check_jar(L);
  add(L, jar, 2, check_line(L, 2, 2));
  return 0;
}

static int jar_clear(lua_State *L) {
  add(L, check_jar(L), 1, "ALL");
  return 0;
}

struct lines {
  char *at;
  size_t length;
};

/* Two walks: one measures, the other copies, since Lua may raise in neither. */
static void measure(const char *line, void *data) {
  *(size_t *)data += strlen(line) + 1;
}

static void copy(const char *line, void *data) {
  struct lines *lines = data;
  size_t n = strlen(line) + 1;
  if (n > lines->length)
    return;
  memcpy(lines->at, line, n);
  lines->at += n;
  lines->length -= n;
}

/* jar:lines(): a list */
static int jar_lines(lua_State *L) {
  struct mc_http_jar *jar = check_jar(L);
  size_t n = 0;
  int error = mc_http_jar_each(jar, measure, &n);
  char *text = lua_newuserdatauv(L, n + 1, 0);
  struct lines lines = {text, n};
  if (!error)
    error = mc_http_jar_each(jar, copy, &lines);
  if (error)
    return luaL_error(L, "lines: no memory");
  lua_newtable(L);
  for (lua_Integer i = 1; text < lines.at; text += strlen(text) + 1) {
    lua_pushstring(L, text);
    lua_rawseti(L, -2, i++);
  }
  return 1;
}

static int jar_gc(lua_State *L) {
  struct mc_http_jar **box = luaL_checkudata(L, 1, CLASS);
  mc_http_jar_free(*box);
  *box = NULL;
  return 0;
}

int bind_http_new_jar(lua_State *L) {
  lua_settop(L, 1);
  if (!lua_isnil(L, 1))
    luaL_checktype(L, 1, LUA_TTABLE);
  struct mc_http_jar **box = lua_newuserdatauv(L, sizeof(struct mc_http_jar *), 0);
  *box = NULL;
  luaL_setmetatable(L, CLASS);
  *box = mc_http_jar_new();
  if (!*box)
    return luaL_error(L, "cookies: no memory");
  lua_Integer n = lua_isnil(L, 1) ? 0 : (lua_Integer)lua_rawlen(L, 1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    add(L, *box, 1, check_line(L, -1, 1));
    lua_pop(L, 1);
  }
  return 1;
}

static const luaL_Reg methods[] = {
    {"add", jar_add},
    {"clear", jar_clear},
    {"lines", jar_lines},
    {NULL, NULL},
};

void bind_http_open_jar(lua_State *L) {
  if (luaL_newmetatable(L, CLASS)) {
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, jar_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
}
