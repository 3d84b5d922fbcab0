/* Everything that the command itself says: errors, usage, version. */
#ifndef MC_HOST_REPORT_H
#define MC_HOST_REPORT_H

#include <lua.h>
#include <stdbool.h>

/* Sets the name that goes in front of messages, and returns the one before. NULL: no
 * name, as at the prompt. The string is borrowed. */
const char *report_set_name(const char *name);

/* One message on stderr, with the name in front. */
void report_message(const char *message);

/* If status is not LUA_OK: says and pops the error value on top of the stack. Returns
 * status. */
int report_status(lua_State *L, int status);

/* A piece of a warning, as lua5.4 writes it. */
void report_warning(const char *text, bool first, bool last);

/* An error that nobody could catch, as lua5.4 writes it, on stderr. */
void report_panic(const char *message);

/* What is wrong with an option, and a short usage, on stderr. */
void report_bad_option(const char *option);

/* The page of --help, the line of -v, the lines of --version: on stdout, flushed. 0, or
 * -1 when they could not be written. */
int report_help(void);
int report_lua_version(void);
int report_version(void);

#endif
