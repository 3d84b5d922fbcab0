/* The child's half of mooncrew.Process: runs the target, and sends what came of it. */
#include "bind/process_child.h"

#include "bind/error.h"
#include "bind/parcel.h"
#include "bind/process.h"
#include "share/queue.h"
#include "wire/wire.h"

#include <lauxlib.h>

struct bind_process *bind_process_own;

/* Pushes the arguments in the table at `table`; returns how many. */
int bind_push_args(lua_State *L, int table) {
  if (!lua_istable(L, table))
    return 0;
  table = lua_absindex(L, table);
  lua_Integer n;
  if (lua_getfield(L, table, "n") == LUA_TNIL)
    n = (lua_Integer)lua_rawlen(L, table);
  else if (!lua_isinteger(L, -1) || (n = lua_tointeger(L, -1)) < 0)
    return luaL_error(L, "args.n: a number of arguments expected, got %s",
                      luaL_tolstring(L, -1, NULL));
  lua_pop(L, 1);
  luaL_checkstack(L, n < 1000000 ? (int)n + 2 : 1000000, "too many arguments");
  for (lua_Integer i = 1; i <= n; i++)
    lua_geti(L, table, i);
  return (int)n;
}

static int call_target(lua_State *L) {
  struct bind_process *p = bind_process_own;
  bind_child_begin(L, p->name, p->child.daemon);
  bind_confine_begin(L, p->confine);
  lua_getiuservalue(L, 1, BIND_USER_TARGET);
  lua_getiuservalue(L, 1, BIND_USER_ARGS);
  int args = lua_gettop(L);
  int n = bind_push_args(L, args);
  lua_remove(L, args);
  lua_call(L, n, LUA_MULTRET);
  return lua_gettop(L) - 1;
}

/* Encodes the n values on top behind a byte, and puts them; protected by its caller. */
static int send_values(lua_State *L) {
  unsigned char kind = (unsigned char)lua_tointeger(L, 1);
  lua_remove(L, 1);
  struct wire_bytes bytes;
  struct bind_parcel *parcel = bind_parcel_new(L);
  wire_encode(L, 1, lua_gettop(L) - 1, "result[]", &bytes);
  bind_parcel_add(L, parcel, &kind, 1, &bytes);
  size_t n;
  const struct mc_message *messages = bind_parcel_messages(L, parcel, &n);
  int done = mc_queue_try_put(bind_process_own->outcome, messages, n);
  if (done < 0)
    bind_raise(L, "result", done);
  return 0;
}

/* Sends the values from `first` on; when they can't be sent, the error that says so
 * instead. */
static void send_outcome(lua_State *L, int kind, int first) {
  int n = lua_gettop(L) - first + 1;
  if (!bind_process_own->outcome)
    return;
  if (kind == BIND_RETURNED && n == 0) {
    mc_queue_close(bind_process_own->outcome);
    return;
  }
  lua_pushcfunction(L, send_values);
  lua_insert(L, first);
  lua_pushinteger(L, kind);
  lua_insert(L, first + 1);
  if (lua_pcall(L, n + 1, 0, 0) == LUA_OK)
    return;
  bind_push_error(L, "Error", "%s", bind_error_text(L, -1));
  lua_pushcfunction(L, send_values);
  lua_insert(L, -2);
  lua_pushinteger(L, BIND_RAISED);
  lua_insert(L, -2);
  lua_pcall(L, 2, 0,
            0); /* no memory for that either: get() says that there is no result */
}

static int finish_child(lua_State *L) {
  bind_child_end(L);
  return 0;
}

static void print_error(lua_State *L) {
  mc_child_complain(bind_process_own->name, bind_error_text(L, -1));
  lua_pop(L, 1);
}

int bind_process_run(void *data) {
  lua_State *L = data;
  int status = 0; /* own: nobody started it, for its parent notes that after the fork */
  lua_pushcfunction(L, bind_error_handler);
  int base = lua_gettop(L);
  lua_pushcfunction(L, call_target);
  lua_pushvalue(L, base - 1);
  int ended = lua_pcall(L, 1, LUA_MULTRET, base);
  if (ended == LUA_OK) {
    send_outcome(L, BIND_RETURNED, base + 1);
  } else {
    status = 1;
    if (ended == LUA_ERRMEM)
      bind_confine_out_of_memory(L);
    lua_pushvalue(L, -1);
    print_error(L);
    send_outcome(L, BIND_RAISED, base + 1);
  }
  lua_settop(L, base);
  lua_pushcfunction(L, finish_child);
  if (lua_pcall(L, 0, 0, base) != LUA_OK) {
    status = 1;
    print_error(L);
  }
  return status;
}
