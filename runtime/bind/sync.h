/* Locks, semaphores, events, conditions, barriers and connections for Lua: the parts that
 * need C. What can be said in Lua is in lua/mooncrew/sync.lua. */
#ifndef MC_BIND_SYNC_H
#define MC_BIND_SYNC_H

#include "bind/wait.h"
#include "bind/waitable.h"
#include "share/object.h"

#include <lauxlib.h>
#include <lua.h>

/* Sets the makers and classes.NAME (the tables of methods, which Lua adds to) in the
 * table on top. */
void bind_open_sync(lua_State *L);

struct bind_sync_class {
  enum mc_kind kind;
  const char *name; /* "mooncrew.Lock" */
  const luaL_Reg *methods;
  lua_CFunction index; /* for fields; its upvalue is the methods. NULL: there are none */
  lua_CFunction text;  /* __tostring */
  const struct bind_waitable *waitable; /* may be NULL */
};

/* `classes`, the table of methods by name, is on top. */
void bind_sync_class(lua_State *L, const struct bind_sync_class *class);

/* One way to take something that may have to be waited for. */
struct bind_acquire {
  const char *function; /* the method's name, for errors */
  /* Positive: taken; MC_BUSY, MC_DEADLOCK; others are raised. */
  int (*attempt)(mc_ref ref, uint32_t depth);
  bool (*ready)(struct bind_wait *wait); /* its data is the object's mc_ref */
  enum mc_want want;
};

/* Takes it for the handle at index 1, which alone is on the stack, `depth` times. Returns
 * to Lua: true [, "abandoned"]; nil for MC_NOW; nil and Timeout. */
int bind_acquire(lua_State *L, const struct bind_acquire *how, mc_time deadline,
                 uint32_t depth);

/* The object of a handle's userdata. */
mc_ref bind_handle_of(const void *userdata);

void bind_open_lock(lua_State *L);
void bind_open_semaphore(lua_State *L);
void bind_open_event(lua_State *L);
void bind_open_condition(lua_State *L);
void bind_open_barrier(lua_State *L);
void bind_open_connection(lua_State *L);

#endif
