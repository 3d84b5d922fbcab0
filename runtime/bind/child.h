/* The life of a forked Lua state, from the fork to its end; shared by Process and Pool.
 */
#ifndef MC_BIND_CHILD_H
#define MC_BIND_CHILD_H

#include "crew/child.h"

#include <lua.h>
#include <stdbool.h>

/* The children of this process that have to be looked after at its end. */
struct bind_child {
  struct mc_child child;
  bool daemon;
  bool is_pool; /* `child` is a pool's foreman */
  bool listed;
  struct bind_child *next, *previous;
};

void bind_child_list(struct bind_child *child);
void bind_child_unlist(struct bind_child *child);

/* Before a fork, what a child would have to do else: makes os.exit one that ends a child
 * alone, and finds math.randomseed. The parent calls bind_child_prepared after the fork.
 * What a child need not do, it need not copy pages for. */
void bind_child_prepare(lua_State *L);
void bind_child_prepared(void);

/* In the child, first thing: what belongs to the parent is forgotten, os.exit ends the
 * child alone, math.random is seeded anew, and the functions given to after_fork have
 * run. Raises what those raise. */
void bind_child_begin(lua_State *L, const char *name, bool daemon);

/* In the child, after its body: runs its tasks to their end and looks after its own
 * children. Raises what a task raised that nobody saw. */
void bind_child_end(lua_State *L);

/* The end of a main chunk, to be called protected: bind_finish(abandon): as
 * bind_child_end; with a true argument (Ctrl-C) all children are ended instead of waited
 * for. Ends the watcher. */
int bind_finish(lua_State *L);

/* mooncrew.after_fork(fn) */
int bind_after_fork(lua_State *L);
#endif
