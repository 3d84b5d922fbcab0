/* Errors as Lua sees them: the constants for expected outcomes, and the class
 * mooncrew.Error. */
#ifndef MC_BIND_ERROR_H
#define MC_BIND_ERROR_H

#include <lua.h>

/* Makes the constants and the class, and sets them as fields of the module table on top.
 */
void bind_open_error(lua_State *L);

/* Pushes nil and the constant of an expected outcome (MC_EMPTY … MC_CANCELLED);
 * returns 2. */
int bind_outcome(lua_State *L, int code);

/* Pushes the constant alone. */
void bind_push_constant(lua_State *L, int code);

/* Pushes a mooncrew.Error with that kind and message; further fields are the caller's to
 * set. */
void bind_push_error(lua_State *L, const char *kind, const char *format, ...);

/* Pushes the mooncrew.Error of a code: "put: shared memory is exhausted". */
void bind_push_failure(lua_State *L, const char *function, int code);

/* Raises it. */
int bind_raise(lua_State *L, const char *function, int code);

/* An outcome of api.md as nil, err; anything else is raised. */
int bind_outcome_or_raise(lua_State *L, const char *function, int code);

/* As luaL_error, at the line of the script that called what is written in Lua here. */
int bind_error(lua_State *L, const char *format, ...);

/* A message handler for lua_pcall: turns any error value into a mooncrew.Error that has
 * the traceback of where it was raised, this process's name and pid; one that is a
 * mooncrew.Error already passes as it is. In Lua, a handler that calls it says so by a
 * second argument, 2: it is not where the error was raised. */
int bind_error_handler(lua_State *L);

/* Pushes the text that a person sees of the error value at `index`: message and
 * traceback. */
const char *bind_error_text(lua_State *L, int index);

#endif
