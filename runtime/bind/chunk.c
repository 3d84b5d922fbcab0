#include "bind/chunk.h"

#include "bind/confine.h"
#include "bind/error.h"
#include "bind/process.h"
#include "bind/task.h"

#include <lauxlib.h>
#include <limits.h>
#include <unistd.h>

_Noreturn void bind_await_the_end(void) {
  for (;;)
    pause();
}

/* Behind the results of the list: item `number` raised the error on top, which is popped.
 */
static void append_error(lua_State *L, struct bind_chunk *chunk, int list, lua_Integer n,
                         lua_Integer number) {
  lua_Integer at = n + 2 * chunk->n_errors++;
  lua_pushinteger(L, number);
  lua_rawseti(L, list, at + 1);
  lua_rawseti(L, list, at + 2);
}

int bind_chunk_spread(lua_State *L) {
  int item = lua_gettop(L);
  if (!lua_istable(L, item))
    return luaL_error(L, "starmap: a table of arguments expected, got %s",
                      luaL_typename(L, item));
  int n = bind_push_args(L, item);
  lua_remove(L, item);
  return n;
}

/* For a chunk of many items: begins with the next one. false: it is the maker's again. */
static bool may_begin(const struct bind_chunk *chunk) {
  if (!mc_seat_next(chunk->seat))
    return false;
  if (chunk->n == 0 || chunk->timeout == 0)
    return true;
  if (!mc_seat_renew(chunk->seat, mc_now() + chunk->timeout))
    bind_await_the_end();
  return true;
}

static int spread(lua_State *L) {
  return bind_chunk_spread(L);
}

/* Calls the function with the item that is on top; leaves a result or an error there. */
static int call(lua_State *L, const struct bind_chunk *chunk, int f, int handler) {
  int top = lua_gettop(L);
  lua_pushvalue(L, f);
  lua_insert(L, top);
  if (!chunk->star)
    return lua_pcall(L, 1, 1, handler);
  /* An item that is no list of arguments is its own error, not the chunk's. */
  lua_pushcfunction(L, spread);
  lua_insert(L, -2);
  int status = lua_pcall(L, 1, LUA_MULTRET, handler);
  if (status != LUA_OK) {
    lua_replace(L, top);
    return status;
  }
  return lua_pcall(L, lua_gettop(L) - top, 1, handler);
}

/* The list of errors becomes the end of the list of results. */
static void join(lua_State *L, const struct bind_chunk *chunk, int list, int errors) {
  for (lua_Integer i = 1; i <= 2 * chunk->n_errors; i++) {
    lua_rawgeti(L, errors, i);
    lua_rawseti(L, list, chunk->n + i);
  }
}

static void run_item(lua_State *L, struct bind_chunk *chunk, int f, int list) {
  int errors = list + 1, handler = list + 2;
  int status = call(L, chunk, f, handler);
  chunk->n++;
  if (status == LUA_OK) {
    lua_rawseti(L, list, chunk->n);
    return;
  }
  chunk->no_memory = status == LUA_ERRMEM;
  if (chunk->no_memory)
    bind_confine_out_of_memory(L);
  if (chunk->n_errors == 0) {
    lua_newtable(L);
    lua_replace(L, errors);
  }
  append_error(L, chunk, errors, 0, chunk->n);
}

void bind_chunk_run(lua_State *L, struct bind_chunk *chunk, int f) {
  struct wire_decoder decoder;
  wire_decode_begin(L, &chunk->items, &decoder);
  luaL_checkstack(L, 10, NULL);
  bool many = decoder.left > 1;
  lua_createtable(L, (int)decoder.left, 0);
  int list = lua_gettop(L);
  lua_pushnil(L);
  lua_pushcfunction(L, bind_error_handler);
  while (!chunk->no_memory && (!many || decoder.left == 0 || may_begin(chunk)) &&
         wire_decode_next(&decoder))
    run_item(L, chunk, f, list);
  if (many)
    mc_seat_stop(chunk->seat);
  join(L, chunk, list, list + 1);
  lua_settop(L, list);
  lua_remove(L, decoder.memo);
}

static int try_encode(lua_State *L) {
  struct wire_bytes bytes;
  wire_encode_from(L, 1, 1, "result", luaL_checkinteger(L, 2), &bytes);
  return 0;
}

/* Whether the list's element `at` can be sent; else why not is pushed, a text. */
static bool can_be_sent(lua_State *L, int list, lua_Integer at, lua_Integer number) {
  lua_pushcfunction(L, try_encode);
  lua_rawgeti(L, list, at);
  lua_pushinteger(L, number);
  return lua_pcall(L, 2, 0, 0) == LUA_OK;
}

/* An error that can't be sent is replaced by its text. */
static bool mend_error(lua_State *L, int list, lua_Integer at) {
  int top = lua_gettop(L);
  lua_rawgeti(L, list, at);
  lua_Integer number = lua_tointeger(L, -1);
  lua_settop(L, top);
  if (can_be_sent(L, list, at + 1, number))
    return false;
  lua_rawgeti(L, list, at + 1);
  const char *text = bind_error_text(L, top + 2);
  bind_push_error(L, "Error", "%s\n(%s)", text, lua_tostring(L, top + 1));
  lua_rawseti(L, list, at + 1);
  lua_settop(L, top);
  return true;
}

/* A result that can't be sent is replaced by an error. */
static bool mend_result(lua_State *L, struct bind_chunk *chunk, int list,
                        lua_Integer number) {
  lua_pushcfunction(L, bind_error_handler);
  if (can_be_sent(L, list, number, number)) {
    lua_pop(L, 1);
    return false;
  }
  lua_call(L, 1, 1);
  append_error(L, chunk, list, chunk->n, number);
  lua_pushnil(L);
  lua_rawseti(L, list, number);
  return true;
}

bool bind_chunk_mend(lua_State *L, struct bind_chunk *chunk, int list) {
  bool any = false;
  list = lua_absindex(L, list);
  luaL_checkstack(L, 8, NULL);
  for (lua_Integer i = 0; i < chunk->n_errors; i++)
    any = mend_error(L, list, chunk->n + 2 * i + 1) || any;
  for (lua_Integer i = 1; i <= chunk->n; i++)
    any = mend_result(L, chunk, list, i) || any;
  return any;
}

void bind_chunk_read(lua_State *L, const struct wire_bytes *bytes, lua_Integer n, int out,
                     lua_Integer first) {
  struct wire_decoder decoder;
  wire_decode_begin(L, bytes, &decoder);
  luaL_checkstack(L, 6, NULL);
  for (lua_Integer i = 0; i < n && wire_decode_next(&decoder); i++)
    lua_rawseti(L, out, first + i);
  if (decoder.left == 0) {
    wire_decode_next(&decoder);
    lua_pushnil(L);
  } else {
    lua_newtable(L);
    while (wire_decode_next(&decoder)) {
      if (!wire_decode_next(&decoder))
        luaL_error(L, "a chunk's error is missing");
      lua_rawset(L, -3);
    }
  }
  lua_remove(L, decoder.memo);
}
