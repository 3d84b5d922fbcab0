/* The options `limits` and `sandbox` of Process and Pool. */
#ifndef MC_BIND_CONFINE_H
#define MC_BIND_CONFINE_H

#include "crew/confine.h"

#include <lua.h>
#include <stdbool.h>

/* Reads the two option values at these indexes, of which each may be nil. Pushes what
 * they say, a userdata, or nil when both are nil; or, when one is wrong, a text that says
 * so, and returns false. */
bool bind_confine_read(lua_State *L, int limits, int sandbox);

/* Makes ready what the value at `index` says, in the process that forks. 0 and *confine,
 * to be dropped; or a negated errno with the text of the failure pushed. A nil says
 * nothing: then *confine confines nothing. */
int bind_confine_prepare(lua_State *L, int index, struct mc_confine *confine);

void bind_confine_drop(struct mc_confine *confine);

bool bind_confines(const struct mc_confine *confine);

/* Pushes the text of a failure to confine a child. */
void bind_confine_push_failure(lua_State *L, enum mc_confine_step step, int error);

/* In a child that is confined: holds its Lua state to its memory, and lets require
 * explain why a module that a sandbox hides is not found. */
void bind_confine_begin(lua_State *L, const struct mc_confine *confine);

/* After an error of memory: makes room, and replaces the error value on top by one of
 * kind "NoMemory". */
void bind_confine_out_of_memory(lua_State *L);

/* Sets confine() and size() in the table on top. */
void bind_open_confine(lua_State *L);

#endif
