#include "bind/net/http_form.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FORM_VALUE "string, number or boolean, or a list of them"
#define FILE_VALUE                                                                       \
  "{ path = \"…\" }, { data = \"…\" }, a string of bytes, or a list of them"

/* What is read: fields in a userdata at stack index `list`, and numbers that became
 * strings in a table at `strings`. Other strings are held by the table of options. */
struct reader {
  lua_State *L;
  int arg, list, strings;
  const char *option; /* "form" or "files" */
  struct mc_http_field *fields;
  size_t n, capacity;
};

typedef void read_value(struct reader *reader, const char *name);

static void refuse(struct reader *reader, const char *name, const char *expected,
                   const char *got) {
  lua_State *L = reader->L;
  luaL_argerror(L, reader->arg,
                lua_pushfstring(L, "option '%s', field '%s': %s expected, got %s",
                                reader->option, name, expected, got));
}

/* With what is wrong on top. */
static void refuse_shape(struct reader *reader, const char *got) {
  lua_State *L = reader->L;
  luaL_argerror(L, reader->arg,
                lua_pushfstring(L,
                                "option '%s': { name = value } or a list of "
                                "{ name, value } expected, got %s",
                                reader->option, got ? got : luaL_typename(L, -1)));
}

static struct mc_http_field *add(struct reader *reader, const char *name) {
  lua_State *L = reader->L;
  if (reader->n == reader->capacity) {
    reader->capacity = 2 * reader->capacity + 8;
    struct mc_http_field *more = lua_newuserdatauv(L, reader->capacity * sizeof *more, 0);
    if (reader->n)
      memcpy(more, reader->fields, reader->n * sizeof *more);
    reader->fields = more;
    lua_replace(L, reader->list);
  }
  struct mc_http_field *field = &reader->fields[reader->n++];
  *field = (struct mc_http_field){.name = name};
  return field;
}

/* A string of an option of a file, or NULL; the field's table is on top. */
static const char *text(struct reader *reader, const char *name, const char *key,
                        size_t *length) {
  lua_State *L = reader->L;
  size_t n = 0;
  const char *value = NULL;
  if (lua_getfield(L, -1, key) != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TSTRING)
      refuse(reader, name, lua_pushfstring(L, "string for '%s'", key),
             luaL_typename(L, -1));
    value = lua_tolstring(L, -1, &n);
  }
  lua_pop(L, 1);
  if (length)
    *length = n;
  else if (value && (strlen(value) != n || strpbrk(value, "\r\n")))
    refuse(reader, name, lua_pushfstring(L, "one line of text for '%s'", key),
           "line breaks or NUL bytes");
  return value;
}

static void read_file_table(struct reader *reader, const char *name) {
  static const char *const known[] = {"path", "data", "name", "type", NULL};
  lua_State *L = reader->L;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    bool is_known = false;
    for (const char *const *key = known; *key; key++)
      is_known = is_known ||
                 (lua_type(L, -1) == LUA_TSTRING && !strcmp(lua_tostring(L, -1), *key));
    if (!is_known)
      refuse(reader, name, FILE_VALUE,
             lua_pushfstring(L, "'%s'", luaL_tolstring(L, -1, NULL)));
  }
  struct mc_http_field *field = add(reader, name);
  field->data = text(reader, name, "data", &field->length);
  field->path = text(reader, name, "path", NULL);
  field->filename = text(reader, name, "name", NULL);
  field->type = text(reader, name, "type", NULL);
  if (!field->data == !field->path)
    refuse(reader, name, FILE_VALUE, field->data ? "both" : "neither");
  if (field->data && !field->filename)
    field->filename = name;
}

/* Each takes the value on top. */
static void read_file(struct reader *reader, const char *name) {
  lua_State *L = reader->L;
  if (lua_type(L, -1) == LUA_TSTRING) {
    struct mc_http_field *field = add(reader, name);
    field->data = lua_tolstring(L, -1, &field->length);
    field->filename = name;
  } else if (lua_istable(L, -1)) {
    read_file_table(reader, name);
  } else {
    refuse(reader, name, FILE_VALUE, luaL_typename(L, -1));
  }
}

static void read_text(struct reader *reader, const char *name) {
  lua_State *L = reader->L;
  int type = lua_type(L, -1);
  if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
    refuse(reader, name, FORM_VALUE, luaL_typename(L, -1));
  struct mc_http_field *field = add(reader, name);
  field->data = luaL_tolstring(L, -1, &field->length);
  lua_rawseti(L, reader->strings, (lua_Integer)lua_rawlen(L, reader->strings) + 1);
}

/* The value on top, or each of the list on top. */
static void read_values(struct reader *reader, const char *name, read_value *read) {
  lua_State *L = reader->L;
  lua_Integer n = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    read(reader, name);
    lua_pop(L, 1);
  }
  if (n == 0)
    read(reader, name);
}

static const char *check_name(struct reader *reader, int index) {
  lua_State *L = reader->L;
  size_t length;
  if (lua_type(L, index) != LUA_TSTRING)
    refuse_shape(reader,
                 lua_pushfstring(L, "a name that is a %s", luaL_typename(L, index)));
  const char *name = lua_tolstring(L, index, &length);
  if (strlen(name) != length)
    refuse_shape(reader, "a name with a NUL byte");
  return name;
}

static void read_pairs(struct reader *reader, read_value *read) {
  lua_State *L = reader->L;
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, -1, i) != LUA_TTABLE)
      refuse_shape(reader, lua_pushfstring(L, "a %s in it", luaL_typename(L, -1)));
    if (lua_rawlen(L, -1) != 2)
      refuse_shape(reader,
                   lua_pushfstring(L, "a list of %d in it", (int)lua_rawlen(L, -1)));
    lua_rawgeti(L, -1, 1);
    const char *name = check_name(reader, -1);
    lua_rawgeti(L, -2, 2);
    read_values(reader, name, read);
    lua_pop(L, 3);
  }
}

static int by_name(const void *left, const void *right) {
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* In the order of the names, so that the same form always gives the same bytes. */
static void read_names(struct reader *reader, read_value *read) {
  lua_State *L = reader->L;
  int table = lua_gettop(L);
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    n++;
  const char **names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
  n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    names[n++] = check_name(reader, -2);
  qsort(names, n, sizeof *names, by_name);
  for (size_t i = 0; i < n; i++) {
    lua_getfield(L, table, names[i]);
    read_values(reader, names[i], read);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Returns whether the option is there. */
static bool read_option(struct reader *reader, const char *option, read_value *read) {
  lua_State *L = reader->L;
  reader->option = option;
  int type = lua_getfield(L, reader->arg, option);
  if (type != LUA_TNIL && type != LUA_TTABLE)
    refuse_shape(reader, NULL);
  if (type == LUA_TTABLE && lua_rawlen(L, -1) > 0)
    read_pairs(reader, read);
  else if (type == LUA_TTABLE)
    read_names(reader, read);
  lua_pop(L, 1);
  return type == LUA_TTABLE;
}

void bind_http_check_form(lua_State *L, int arg, struct mc_http_request *request) {
  lua_pushnil(L);
  lua_newtable(L);
  struct reader reader = {
      .L = L, .arg = arg, .list = lua_gettop(L) - 1, .strings = lua_gettop(L)};
  bool is_there = read_option(&reader, "form", read_text);
  size_t texts = reader.n;
  is_there = read_option(&reader, "files", read_file) || is_there;
  static const struct mc_http_field none;
  request->fields = !is_there ? NULL : reader.fields ? reader.fields : &none;
  request->n_fields = reader.n;
  request->multipart = reader.n > texts;
}
