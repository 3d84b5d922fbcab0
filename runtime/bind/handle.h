/* Handles: the userdata through which Lua holds an object of the space.
 *
 * One object has at most one handle in a state, so handles of one object are equal. A
 * handle is a hold of this process on the object; the collector lets go of it. */
#ifndef MC_BIND_HANDLE_H
#define MC_BIND_HANDLE_H

#include "share/object.h"

#include <lua.h>
#include <stdbool.h>

struct bind_handle {
  mc_ref ref;
  /* What tells a handle from any other userdata, without a look into a table: an address
   * that nobody else has, and the name of its class. */
  const void *mark;
  const char *class;
};

/* Readies the state: the table of handles, and the codec's hooks for them. */
void bind_open_handle(lua_State *L);

/* Pushes a table that does not keep its values alive. */
void bind_push_weak_table(lua_State *L);

/* The metatable on top of the stack is the class of that kind's handles: handles get it,
 * and it gets what every handle class needs (__gc, __name). Pops it. */
void bind_handle_class(lua_State *L, enum mc_kind kind, const char *name);

/* Replaces the metatable of the class, which is on top, by the one that a handle of `ref`
 * gets: a copy with what only handles of such objects have. Or leaves it. May raise. */
typedef void bind_handle_variant(lua_State *L, mc_ref ref);

/* Handles of that kind are not all of one metatable. */
void bind_handle_class_varies(enum mc_kind kind, bind_handle_variant *variant);

/* Pushes the handle of a new object of which this process has its first hold already, and
 * which becomes the handle's. On an error (no memory for the userdata) the hold is
 * dropped. */
void bind_handle_adopt(lua_State *L, mc_ref ref);

/* Pushes the handle of an object on which the caller has a hold of this process; the hold
 * becomes the handle's, or is dropped when there is a handle already, or on an error. */
void bind_handle_take(lua_State *L, mc_ref ref);

/* true when the value at `index` is a handle; then *ref is its object. Never raises. */
bool bind_handle_ref(lua_State *L, int index, mc_ref *ref);

/* Pushes the handle of an object that something else keeps alive meanwhile. Raises. */
void bind_handle_push(lua_State *L, mc_ref ref);

/* The handle at `arg` when it is one of that class, or NULL. */
const struct bind_handle *bind_test_handle(lua_State *L, int arg, const char *name);

/* The reference of a handle of that class, or an argument error. */
mc_ref bind_check_handle(lua_State *L, int arg, const char *name);

#endif
