/* The helper process of a host: it has the pool whose workers run the host's tasks, and
 * passes tasks and results on between the host's socket and the pool's queues.
 *
 *   host ── frames ──▶ waiting ──▶ tasks queue ──▶ workers
 *     ◀───── frames ────────────── results queue ◀────┘
 *
 * What a task and its results consist of is not decoded here: both ends speak the format
 * of the value codec. */
#ifndef MC_BIND_HELPER_H
#define MC_BIND_HELPER_H

#include "base/buffer.h"
#include "base/frame.h"
#include "bind/pool.h"
#include "crew/slips.h"
#include "wire/wire.h"

#include <lua.h>
#include <uv.h>

/* What the process was started with (os/detach.h). */
#define BIND_HELPER_SOCKET 3
#define BIND_HELPER_HOST   4 /* readable once the host is dead */

/* bind_helper(): a lua_CFunction for a fresh state with the standard libraries: serves
 * the host until it wants no more, and returns; ends the process when the host is gone.
 * Raises what keeps it from serving, after it has told the host. */
int bind_helper(lua_State *L);

/* Whether the process was started by a host's library. */
bool bind_helper_wanted(void);

/* Sets leave_host() in the table on top: a worker closes what is the helper's. */
void bind_open_helper(lua_State *L);

/* ---- the socket (helper_socket.c) ---- */

struct bind_stream {
  struct mc_buffer in, out;
  size_t in_start, out_start; /* what is in front of them was dealt with */
};

/* A frame that came in; what it points to lives until the next read. */
struct bind_frame {
  struct mc_frame head;
  const unsigned char *refs; /* not aligned */
  const unsigned char *bytes;
};

/* Reads what is there. 1: maybe there is more; 0: that was all; -1: the host is gone;
 * -ENOMEM. */
int bind_stream_read(struct bind_stream *stream);

/* The next whole frame: 1, or 0. */
int bind_stream_next(struct bind_stream *stream, struct bind_frame *frame);

/* Adds a frame to what goes out. The head says how much. false: no memory. */
bool bind_stream_put(struct bind_stream *stream, const struct mc_frame *head,
                     const void *refs, const void *bytes);

/* Writes what the socket takes; false: the host is gone. */
bool bind_stream_flush(struct bind_stream *stream);

size_t bind_stream_unsent(const struct bind_stream *stream);

/* Waits for one whole frame; false: the host is gone. */
bool bind_stream_await(struct bind_stream *stream, struct bind_frame *frame);

/* ---- objects and questions (helper_ask.c) ---- */

/* The functions of lua/mooncrew/helper.lua are in the table at `module`. */
void bind_asks_open(lua_State *L, int module, struct bind_stream *stream);

/* Deals with an ASK, a DROP or a REPLY. May run Lua tasks; raises for want of memory. */
void bind_ask(lua_State *L, const struct bind_frame *frame);

/* The host will know of these objects: they are held until it drops them, once for each
 * time. Raises. */
void bind_hold_for_host(lua_State *L, const uint32_t *refs, uint32_t n);

/* The references of a frame, which stay valid until the next call. Raises. */
const uint32_t *bind_frame_refs(lua_State *L, const struct bind_frame *frame);

/* Sets host_send() in the table on top: the answers of Lua to the host. */
void bind_open_asks(lua_State *L);

/* Sets call_library() in the table on top (helper_library.c): a worker calls a function
 * in C of the host's. */
void bind_open_library(lua_State *L);

/* ---- tasks (helper_tasks.c) ---- */

/* A task that no worker was given yet. */
struct bind_waiting {
  uint64_t id;         /* the host's; they come in order */
  unsigned char *copy; /* the frame's references and bytes; NULL: it was cancelled */
  struct mc_frame head;
};

/* A task that is in the pool. */
struct bind_given {
  uint64_t id;   /* the host's; 0: the place is free */
  uint64_t mine; /* the pool's: a running number, and the place */
  bool cancelled;
};

struct bind_dealer {
  struct bind_pool *pool;
  struct mc_slips *slips;
  struct mc_buffer runners[MC_FORMS]; /* the functions that run the forms, encoded */
  struct bind_waiting *waiting;       /* a ring */
  size_t first, n_waiting, max_waiting;
  struct bind_given *given;
  uint16_t *free_places;
  uint32_t n_places, n_free;
  uint64_t last_number;
  struct mc_buffer message, refs; /* reused */
};

/* The pool is at index `pool` and the list of runners behind it. Raises. */
void bind_dealer_open(lua_State *L, struct bind_dealer *dealer, int pool);

/* Takes a task in; 0 or -ENOMEM. */
int bind_dealer_take(struct bind_dealer *dealer, const struct bind_frame *frame);

/* Gives tasks to the workers, as many as they need to be busy. One that can never fit the
 * shared memory is answered at once. false: no memory for the answer. */
bool bind_dealer_deal(lua_State *L, struct bind_dealer *dealer,
                      struct bind_stream *stream);

void bind_dealer_cancel(struct bind_dealer *dealer, uint64_t id, bool force);

/* Passes results on until the stream is full. Returns whether a worker can still work;
 * *starved is set for want of memory: ask again. */
bool bind_dealer_collect(lua_State *L, struct bind_dealer *dealer,
                         struct bind_stream *stream);

#endif
