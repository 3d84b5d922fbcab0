#include "bind/screen.h"

#include "crew/screen.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>

/* io's files are those that C has, and have to go on being so. */
static void set_file(lua_State *L, const char *name, FILE *file) {
  if (lua_getglobal(L, "io") == LUA_TTABLE) {
    lua_getfield(L, -1, name);
    luaL_Stream *stream = luaL_testudata(L, -1, LUA_FILEHANDLE);
    if (stream && stream->closef)
      stream->f = file;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void bind_screen_begin(lua_State *L) {
  if (!mc_screen_adopt())
    return;
  set_file(L, "stdout", stdout);
  set_file(L, "stderr", stderr);
}

static bool mine; /* this process's streams are no host's */

void bind_screen_mine(void) {
  mine = true;
}

void bind_screen_fork(lua_State *L) {
  if (!mine)
    return;
  mc_screen_share();
  bind_screen_begin(L);
}

/* screen_bar(): the number of a new bar on stderr, or nil */
static int screen_bar(lua_State *L) {
  mc_screen_share();
  bind_screen_begin(L);
  int bar = mc_screen_bar_new();
  if (bar < 0)
    return 0;
  lua_pushinteger(L, bar);
  return 1;
}

/* screen_draw(bar, text) */
static int screen_draw(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 2, &n);
  mc_screen_bar_draw((int)luaL_checkinteger(L, 1), text, n);
  return 0;
}

/* screen_end(bar [, text]) */
static int screen_end(lua_State *L) {
  size_t n = 0;
  const char *text = luaL_optlstring(L, 2, NULL, &n);
  mc_screen_bar_end((int)luaL_checkinteger(L, 1), text, n);
  return 0;
}

/* screen_width(): columns of the terminal that stderr is, or nil */
static int screen_width(lua_State *L) {
  unsigned columns, rows;
  mc_screen_size(&columns, &rows);
  if (columns == 0)
    return 0;
  lua_pushinteger(L, columns);
  return 1;
}

static const luaL_Reg functions[] = {
    {"screen_bar", screen_bar},
    {"screen_draw", screen_draw},
    {"screen_end", screen_end},
    {"screen_width", screen_width},
    {NULL, NULL},
};

void bind_open_screen(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
