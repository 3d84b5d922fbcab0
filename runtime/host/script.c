/* The script argument.
 *
 * A script's arguments are read back from `arg`, not from argv: LUA_INIT, -e and -l may
 * have changed the table on the way. */
#include "host/script.h"

#include "host/chunk.h"
#include "host/installed.h"
#include "host/report.h"

#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

void script_set_arg(lua_State *L, char *const argv[], int argc, int script) {
  if (script >= argc)
    script = 0;
  lua_createtable(L, argc - script - 1, script + 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

/* Pushes arg[1] … arg[#arg]; returns how many. Raises when `arg` is no table any more. */
static int push_arguments(lua_State *L) {
  if (lua_getglobal(L, "arg") != LUA_TTABLE)
    luaL_error(L, "'arg' is not a table");
  int table = lua_gettop(L);
  int count = (int)luaL_len(L, table);
  luaL_checkstack(L, count + 3, "too many arguments to script");
  for (int i = 1; i <= count; i++)
    lua_rawgeti(L, table, i);
  lua_remove(L, table);
  return count;
}

/* luaL_loadfile's word for a file that isn't there does not say that names were tried
 * too. */
static int load(lua_State *L, const char *word, const char *path) {
  if (path == NULL && word != NULL && installed_is_name(word) &&
      access(word, F_OK) != 0) {
    lua_pushfstring(L, "cannot open file or installed script '%s'", word);
    return LUA_ERRFILE;
  }
  return luaL_loadfile(L, path != NULL ? path : word);
}

int script_run(lua_State *L, char *const argv[], int script, const char *path) {
  const char *word = argv[script];
  /* `-` is stdin, but behind `--` it is a file of that name */
  if (strcmp(word, "-") == 0 && strcmp(argv[script - 1], "--") != 0)
    word = NULL;
  int status = load(L, word, path);
  if (status == LUA_OK)
    status = chunk_call(L, push_arguments(L), LUA_MULTRET);
  return report_status(L, status);
}
