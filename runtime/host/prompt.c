/* The interactive prompt.
 *
 *   line ── as an expression: "return LINE" compiles? ── run, results through print
 *     └──── as statements: ends too early ("… near <eof>")? one more line, and again
 *
 * Stack of the readers: index 1 holds the text so far, what was compiled goes on top. */
#include "host/prompt.h"

#include "host/chunk.h"
#include "host/line.h"
#include "host/report.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char chunk_name[] = "=stdin";

/* Pushes the prompt (one value) and returns its text. A _PROMPT that is no string is
 * asked through tostring each time, so it may change by itself. */
static const char *push_prompt(lua_State *L, bool first) {
  if (lua_getglobal(L, first ? "_PROMPT" : "_PROMPT2") != LUA_TNIL) {
    const char *text = luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
    return text;
  }
  lua_pop(L, 1);
  return lua_pushstring(L, first ? "> " : ">> ");
}

/* Reads a line and pushes it. false: end of input, nothing pushed. `=x` is short for
 * `return x` as it was in Lua 5.1. */
static bool push_line(lua_State *L, bool first) {
  char *line = line_read(push_prompt(L, first));
  lua_pop(L, 1);
  if (line == NULL)
    return false;
  size_t length = strlen(line);
  if (length > 0 && line[length - 1] == '\n')
    line[length - 1] = '\0';
  if (first && line[0] == '=')
    lua_pushfstring(L, "return %s", line + 1);
  else
    lua_pushstring(L, line);
  free(line);
  return true;
}

/* The text so far, into the history that the arrow keys walk through. */
static void remember(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  if (text[0] != '\0')
    line_remember(text);
}

static int compile(lua_State *L, const char *code) {
  return luaL_loadbuffer(L, code, strlen(code), chunk_name);
}

/* true, with a function on top: the text is an expression. false: nothing pushed. */
static bool compile_expression(lua_State *L) {
  const char *code = lua_pushfstring(L, "return %s;", lua_tostring(L, 1));
  int status = compile(L, code);
  lua_remove(L, -2);
  if (status != LUA_OK)
    lua_pop(L, 1);
  return status == LUA_OK;
}

/* Does the syntax error on top only say that the text ends too early? */
static bool wants_more(lua_State *L, int status) {
  static const char mark[] = "<eof>";
  if (status != LUA_ERRSYNTAX)
    return false;
  size_t length = 0, end = sizeof mark - 1;
  const char *message = lua_tolstring(L, -1, &length);
  return length >= end && strcmp(message + length - end, mark) == 0;
}

/* Compiles the text as statements, asking for lines while it ends too early. Pushes the
 * function or the error. */
static int compile_statements(lua_State *L) {
  for (;;) {
    int status = compile(L, lua_tostring(L, 1));
    if (!wants_more(L, status) || !push_line(L, false)) {
      remember(L);
      return status;
    }
    /* error, line → text: "text\nline" */
    lua_remove(L, -2);
    lua_pushfstring(L, "%s\n%s", lua_tostring(L, 1), lua_tostring(L, -1));
    lua_replace(L, 1);
    lua_settop(L, 1);
  }
}

/* Leaves only a function (LUA_OK) or an error on the stack; -1 at the end of input. */
static int read_chunk(lua_State *L) {
  lua_settop(L, 0);
  if (!push_line(L, true))
    return -1;
  int status = LUA_OK;
  if (compile_expression(L))
    remember(L);
  else
    status = compile_statements(L);
  lua_remove(L, 1);
  return status;
}

/* Prints all that is on the stack, through the global print. */
static void print_results(lua_State *L) {
  int count = lua_gettop(L);
  if (count == 0)
    return;
  luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
  lua_getglobal(L, "print");
  lua_insert(L, 1);
  if (lua_pcall(L, count, 0, 0) != LUA_OK)
    report_message(lua_pushfstring(L, "error calling 'print' (%s)", lua_tostring(L, -1)));
}

void prompt_run(lua_State *L) {
  const char *name = report_set_name(NULL);
  chunk_set_prompt(true);
  int status;
  while ((status = read_chunk(L)) != -1) {
    if (status == LUA_OK)
      status = chunk_call(L, 0, LUA_MULTRET);
    if (report_status(L, status) == LUA_OK)
      print_results(L);
  }
  lua_settop(L, 0);
  puts("");
  fflush(stdout);
  chunk_set_prompt(false);
  report_set_name(name);
}
