/* Opening the module in a Lua state, and ending its work there. */
#ifndef MC_BIND_OPEN_H
#define MC_BIND_OPEN_H

#include "bind/child.h"

#include <lua.h>

/* Makes `require "mooncrew"`, its submodules and `require "luv"` available in the state.
 */
void bind_preload(lua_State *L);

#endif
