/* mooncrew.Queue: the userdata and its methods. */
#ifndef MC_BIND_QUEUE_H
#define MC_BIND_QUEUE_H

#include <lua.h>

#define BIND_QUEUE_CLASS "mooncrew.Queue"

/* Sets Queue in the module table on top, and makes the class. */
void bind_open_queue(lua_State *L);

#endif
