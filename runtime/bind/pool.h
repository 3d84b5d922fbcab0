/* The C part of mooncrew.Pool: queues, the foreman, tasks out and results in. The methods
 * that a program calls are built on it in lua/mooncrew/pool.lua. */
#ifndef MC_BIND_POOL_H
#define MC_BIND_POOL_H

#include "bind/child.h"
#include "bind/confine.h"
#include "bind/inbox.h"
#include "bind/ledger.h"
#include "bind/outbox.h"
#include "crew/board.h"
#include "crew/slips.h"
#include "share/queue.h"

#include <lua.h>

/* How a worker applies the function: the mode of a task. */
enum bind_task_mode {
  BIND_CALL,    /* once, to the arguments */
  BIND_MAP,     /* to each of the values: see chunk.h */
  BIND_STARMAP, /* the same, with each value's elements as the arguments */
};

struct bind_pool {
  struct bind_child child; /* the foreman */
  mc_ref tasks, results;   /* queues */
  struct mc_board *board;  /* what its workers have in hand */
  struct mc_slips *slips;  /* which tasks were given up */
  pid_t owner;             /* who made it; only that process may use it */
  unsigned processes;
  lua_Integer max_tasks; /* tasks that a worker does before it is replaced; 0: no limit */
  lua_Number initializer_timeout; /* s; 0: none */
  uint64_t max_memory;            /* bytes; a worker over it is replaced; 0: no limit */
  struct mc_confine confine;      /* what its workers are held to */
  char name[64];
  struct mc_lease chunk; /* results that were collected and are to be unpacked … */
  size_t chunk_skip;     /* … behind so many bytes */
  bool has_chunk;
  struct bind_ledger ledger; /* its tasks under way */
  struct bind_outbox outbox;
  struct bind_inbox inbox;
};

/* User values; the last is the table of the ledger. */
enum { BIND_POOL_INITIALIZER = 1, BIND_POOL_INITARGS, BIND_POOL_TASKS };

/* The pool at index 1, of this very process, or an error. */
struct bind_pool *bind_check_pool(lua_State *L);

/* Lets go of results that were collected and not unpacked. */
void bind_pool_drop_chunk(struct bind_pool *pool);

/* Pushes the table of the pool's ledger, given the pool at index 1. */
void bind_pool_push_tasks(lua_State *L);

/* Sets pool() and start_call() in the table on top. */
void bind_open_pool(lua_State *L);

/* Each sets its methods in the table on top. */
void bind_open_pool_ledger(lua_State *L);
void bind_open_pool_send(lua_State *L);
void bind_open_pool_items(lua_State *L);
void bind_open_pool_collect(lua_State *L);

/* Sets start_call() in the table on top. */
void bind_open_pool_call(lua_State *L);

/* The body of a worker: the pool's userdata is at index 1 of L. Returns the exit status.
 */
int bind_work(lua_State *L, struct bind_pool *pool, const struct mc_seat *seat);

#endif
