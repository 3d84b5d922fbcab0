/* What the codec keeps in a Lua state: one userdata in the registry.
 *
 *   registry[&key] = userdata { struct wire_state }
 *                      uservalues: WIRE_UV_... below, Lua tables and values
 *
 * Owned by the state's thread. The buffer belongs to the encode that runs: encoding runs
 * no Lua code and starts no collection, so there is never a second one. Decoding uses
 * only the hooks and the uservalues. */
#ifndef MC_WIRE_STATE_H
#define MC_WIRE_STATE_H

#include "wire/identity.h"
#include "wire/wire.h"

enum wire_uservalue {
  WIRE_UV_REGISTERED = 1, /* name on the wire -> table, and table -> name */
  WIRE_UV_CONTAINER,      /* C function or table -> the table that holds it; weak keys */
  WIRE_UV_KEY,            /* C function or table -> its key in that table; weak keys */
  WIRE_UV_LOADED,         /* package.loaded */
  WIRE_UV_REQUIRE,        /* `require` as it was at the start, or nil */
  WIRE_UV_INDEX,          /* "__index", so that looking it up makes no string */
  WIRE_UV_NAME,           /* "__name" */
  WIRE_UV_COUNT = WIRE_UV_NAME
};

struct wire_state {
  const struct wire_hooks *hooks;
  unsigned char *bytes; /* the message */
  size_t length;
  size_t capacity;
  uint32_t *refs; /* its references */
  uint32_t n_refs;
  uint32_t refs_capacity;
  struct wire_identity
      seen; /* tables, functions, cells, handles -> offset; per message */
  struct wire_identity
      modules;                /* the values of package.loaded; per message, see names.h */
  struct wire_identity known; /* tables that may be registered ones */
  const void *globals;
  uint64_t scanned; /* signature of package.loaded when CONTAINER and KEY were made */
  unsigned small;   /* messages in a row that would have fitted a much smaller buffer */
  bool closed;      /* the state is closing: nothing may be allocated any more */
};

/* Pushes the userdata and returns the state. Raises when wire_open was not called or the
 * Lua state is closing. */
struct wire_state *wire_state_push(lua_State *L);

/* Raises the message, at the caller's line. */
_Noreturn void wire_fail(lua_State *L, const struct wire_state *state, const char *format,
                         ...);

/* Starts a message: all per-message things are empty. Gives back memory that big messages
 * of long ago needed. */
void wire_state_begin(lua_State *L, struct wire_state *state);

/* Makes room for `more` bytes of the message; raises at 4 GiB and when there is no
 * memory. */
void wire_state_grow(lua_State *L, struct wire_state *state, size_t more);

/* Appends a reference; returns its index. Raises when there is no memory. */
uint32_t wire_state_add_ref(lua_State *L, struct wire_state *state, uint32_t ref);

/* The state's allocator. Raises when there is no memory; `block` is then as it was. */
void *wire_realloc(lua_State *L, void *block, size_t old_size, size_t new_size);
void wire_free(lua_State *L, void *block, size_t size);

#endif
