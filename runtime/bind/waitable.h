/* What mooncrew.wait can wait for: classes of userdata say so in their metatables. */
#ifndef MC_BIND_WAITABLE_H
#define MC_BIND_WAITABLE_H

#include "share/wait.h"

#include <lua.h>
#include <stdbool.h>

#define BIND_WAITABLE_WATCHES 1 /* objects that one thing may watch */

struct bind_waitable {
  /* No Lua, no blocking. */
  bool (*ready)(void *userdata);
  /* Fills in the objects whose change may make it ready; how many. NULL: none. */
  size_t (*watch)(void *userdata, struct mc_wait_for *watch);
  /* Raises when it can't be waited for. NULL: it always can. */
  void (*check)(lua_State *L, void *userdata);
};

/* The metatable on top of the stack is that of such a class. */
void bind_set_waitable(lua_State *L, const struct bind_waitable *waitable);

/* Sets wait_any() in the table on top. */
void bind_open_wait_any(lua_State *L);

#endif
