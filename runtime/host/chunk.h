/* Running code the way the command runs it: with a traceback, under Ctrl-C and SIGTERM.
 */
#ifndef MC_HOST_CHUNK_H
#define MC_HOST_CHUNK_H

#include "crew/interrupt.h"

#include <lua.h>
#include <stdbool.h>

/* Calls the function below its n_args arguments, as lua_pcall does. An error value that
 * comes back is a string with a traceback, or what its __tostring gave. Main thread only,
 * not nested. */
int chunk_call(lua_State *L, int n_args, int n_results);

/* Loads and runs; an error is reported. LUA_OK or the status. The file NULL is stdin. */
int chunk_do_file(lua_State *L, const char *file);
int chunk_do_string(lua_State *L, const char *code, const char *chunk_name);

/* The prompt goes on after a Ctrl-C: told true, an interrupt is an error like any other,
 * and SIGTERM ends the process. */
void chunk_set_prompt(bool at_prompt);

/* Makes an interrupt that came too late to be raised one that came through, and reports
 * it. */
void chunk_end(lua_State *L);

/* What came through to the command, so that it must end. */
enum mc_interruption chunk_interruption(void);

#endif
