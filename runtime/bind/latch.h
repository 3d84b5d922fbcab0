/* A latch: something of this process that tasks and the main chunk can wait for. */
#ifndef MC_BIND_LATCH_H
#define MC_BIND_LATCH_H

#include <lua.h>
#include <stdbool.h>

struct bind_latch {
  bool set;
};

/* Sets latch() in the table on top. */
void bind_open_latch(lua_State *L);

/* The latch at that argument, or NULL for none or nil; anything else is an argument
 * error. */
struct bind_latch *bind_opt_latch(lua_State *L, int arg);

#endif
