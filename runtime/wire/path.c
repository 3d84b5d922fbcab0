/* The text is built in a fixed buffer from the chain of steps and the keys that still lie
 * on the Lua stack: nothing is allocated, and a path of any length and keys of any bytes
 * give a line that a person can read. */
#include "wire/path.h"

#include <lauxlib.h>
#include <stdio.h>

#define KEY_MAX 40          /* bytes shown of a string key */
#define ENDS    ((size_t)8) /* steps shown at each end of a long path */

struct text {
  size_t n;
  char bytes[1024];
};

static void put(struct text *text, const char *bytes, size_t n) {
  size_t room = sizeof text->bytes - 1 - text->n;
  if (n > room)
    n = room;
  memcpy(text->bytes + text->n, bytes, n);
  text->n += n;
  text->bytes[text->n] = '\0';
}

static void put_string(struct text *text, const char *string) {
  put(text, string, strlen(string));
}

static void put_escaped(struct text *text, const char *bytes, size_t n) {
  size_t shown = n > KEY_MAX ? KEY_MAX : n;
  for (size_t i = 0; i < shown; i++) {
    unsigned char c = (unsigned char)bytes[i];
    char escape[8];
    if (c == '"' || c == '\\')
      snprintf(escape, sizeof escape, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      snprintf(escape, sizeof escape, "\\x%02x", c);
    else
      snprintf(escape, sizeof escape, "%c", c);
    put_string(text, escape);
  }
  if (shown < n)
    put_string(text, "...");
}

static bool is_word(unsigned char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

static bool is_reserved(const char *word) {
  static const char *const reserved[] = {
      "and",      "break",  "do",   "else", "elseif", "end",  "false", "for",
      "function", "goto",   "if",   "in",   "local",  "nil",  "not",   "or",
      "repeat",   "return", "then", "true", "until",  "while"};
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (strcmp(word, reserved[i]) == 0)
      return true;
  return false;
}

/* Can it be written behind a dot? */
static bool is_identifier(const char *bytes, size_t n) {
  if (!n || n > KEY_MAX || (bytes[0] >= '0' && bytes[0] <= '9'))
    return false;
  for (size_t i = 0; i < n; i++)
    if (!is_word((unsigned char)bytes[i]))
      return false;
  return !is_reserved(bytes);
}

static void put_key(struct text *text, lua_State *L, int at) {
  char number[64];
  switch (lua_type(L, at)) {
  case LUA_TSTRING: {
    size_t n;
    const char *key = lua_tolstring(L, at, &n);
    bool identifier = is_identifier(key, n);
    put_string(text, identifier ? "." : "[\"");
    put_escaped(text, key, n);
    put_string(text, identifier ? "" : "\"]");
    return;
  }
  case LUA_TNUMBER:
    if (lua_isinteger(L, at))
      snprintf(number, sizeof number, "[" LUA_INTEGER_FMT "]", lua_tointeger(L, at));
    else
      snprintf(number, sizeof number, "[" LUA_NUMBER_FMT "]", lua_tonumber(L, at));
    put_string(text, number);
    return;
  case LUA_TBOOLEAN:
    put_string(text, lua_toboolean(L, at) ? "[true]" : "[false]");
    return;
  default:
    put_string(text, "[a ");
    put_string(text, luaL_typename(L, at));
    put_string(text, "]");
  }
}

static void put_root(struct text *text, const struct wire_encoder *encoder,
                     const struct wire_step *root) {
  size_t n = strlen(encoder->name);
  if (n >= 2 && strcmp(encoder->name + n - 2, "[]") == 0)
    n -= 2;
  put(text, encoder->name, n);
  if (encoder->numbered) {
    char number[64];
    snprintf(number, sizeof number, "[" LUA_INTEGER_FMT "]", root->number);
    put_string(text, number);
  }
}

static void put_upvalue(struct text *text, lua_State *L, const struct wire_step *step) {
  const char *name = lua_getupvalue(L, step->at, (int)step->number);
  if (name)
    lua_pop(L, 1);
  put_string(text, ".upvalue '");
  put_string(text, name ? name : "?");
  put_string(text, "'");
}

/* Writes the steps from the root to `step`, leaving out `skip` of them below the last
 * `tail`. */
static void put_path(struct text *text, const struct wire_encoder *encoder,
                     const struct wire_step *step, size_t tail, size_t skip) {
  if (!tail && skip) {
    while (skip--)
      step = step->up;
    put_path(text, encoder, step, SIZE_MAX, 0);
    put_string(text, " ... ");
    return;
  }
  if (step->kind == WIRE_STEP_KEY)
    put_string(text, "a key of ");
  if (step->kind == WIRE_STEP_METATABLE)
    put_string(text, "getmetatable(");
  if (step->up)
    put_path(text, encoder, step->up, tail - 1, skip);
  switch (step->kind) {
  case WIRE_STEP_ROOT:
    put_root(text, encoder, step);
    return;
  case WIRE_STEP_FIELD:
    put_key(text, encoder->L, step->at);
    return;
  case WIRE_STEP_ELEMENT: {
    char number[64];
    snprintf(number, sizeof number, "[" LUA_INTEGER_FMT "]", step->number);
    put_string(text, number);
    return;
  }
  case WIRE_STEP_METATABLE:
    put_string(text, ")");
    return;
  case WIRE_STEP_UPVALUE:
    put_upvalue(text, encoder->L, step);
    return;
  case WIRE_STEP_KEY:
    return;
  }
}

/* "a FILE*", "an image", "a C function that no loaded module holds" */
static void put_what(struct text *text, lua_State *L, int at) {
  int type = lua_type(L, at);
  const char *what = lua_typename(L, type);
  if (type == LUA_TTHREAD)
    what = "coroutine";
  else if (type == LUA_TLIGHTUSERDATA)
    what = "light userdata";
  else if (type == LUA_TFUNCTION)
    what = "C function that no loaded module holds";
  else if (type == LUA_TUSERDATA && luaL_getmetafield(L, at, "__name") == LUA_TSTRING)
    what = lua_tostring(L, -1);
  put_string(text, what[0] && strchr("AEIOaeio", what[0]) ? "an " : "a ");
  put_escaped(text, what, strlen(what));
}

void wire_refuse(struct wire_encoder *encoder, int at, const struct wire_step *step) {
  struct text text = {0};
  size_t steps = 0;
  for (const struct wire_step *s = step; s; s = s->up)
    steps++;
  luaL_checkstack(encoder->L, 4, NULL);
  put_string(&text, "cannot send ");
  put_what(&text, encoder->L, at);
  put_string(&text, " (at ");
  if (steps > 2 * ENDS)
    put_path(&text, encoder, step, ENDS, steps - 2 * ENDS);
  else
    put_path(&text, encoder, step, SIZE_MAX, 0);
  wire_fail(encoder->L, encoder->state, "%s)", text.bytes);
}
