/* What a worker of a pool does with a chunk: part of a list, to each item of which a
 * function is applied. */
#ifndef MC_BIND_CHUNK_H
#define MC_BIND_CHUNK_H

#include "crew/board.h"
#include "wire/wire.h"

#include <lua.h>

struct bind_chunk {
  const struct mc_seat *seat;
  struct wire_bytes items; /* must stay while the chunk is run */
  uint64_t timeout;        /* nanoseconds for each item; 0: none */
  bool star;               /* an item is the list of the arguments */
  /* What came out of it: */
  lua_Integer n;        /* items that were begun */
  lua_Integer n_errors; /* of those, that raised */
  bool no_memory;       /* Lua ran out of it, so the rest was left undone */
};

/* Pushes the arguments that the item on top stands for in its place: how many. */
int bind_chunk_spread(lua_State *L);

/* Applies the function at index `f` to one item after another, until there are no more or
 * the maker has closed the chunk. Pushes a list of n + 2 * n_errors values: the first
 * results of the items that were begun, then for each of them that raised its number and
 * its error. Raises for items that can't be decoded. */
void bind_chunk_run(lua_State *L, struct bind_chunk *chunk, int f);

/* Replaces the results and the errors of the list at `list` that can't be sent: by errors
 * that say so. Whether there were any. */
bool bind_chunk_mend(lua_State *L, struct bind_chunk *chunk, int list);

/* Reads what was encoded of such a list into the list at `out`, from index `first` on.
 * Pushes nil, or a table of the errors by their numbers in the chunk. Raises as
 * wire_decode. */
void bind_chunk_read(lua_State *L, const struct wire_bytes *bytes, lua_Integer n, int out,
                     lua_Integer first);

/* The foreman is about to kill this process: nothing more may happen in it. */
_Noreturn void bind_await_the_end(void);

#endif
