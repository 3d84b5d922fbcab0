/* The script argument: its table `arg`, finding it, running it. */
#ifndef MC_HOST_SCRIPT_H
#define MC_HOST_SCRIPT_H

#include <lua.h>

/* Sets the global `arg`: the script at 0, its arguments above, the command and its
 * options below. `script` is its index in argv; at argc, the command itself is at 0. */
void script_set_arg(lua_State *L, char *const argv[], int argc, int script);

/* Runs the script argv[script] with the arguments that `arg` holds by now. `path` is what
 * to open instead when the word is an installed script's name, else NULL. Reports errors.
 * LUA_OK or the status. */
int script_run(lua_State *L, char *const argv[], int script, const char *path);

#endif
