/* The parts of mooncrew.Pipe's connections that need C: see lua/mooncrew/pipe.lua. */
#include "share/connection.h"

#include "base/error.h"
#include "bind/error.h"
#include "bind/handle.h"
#include "bind/sync.h"
#include "share/queue.h"

#define CONNECTION "mooncrew.Connection"
#define QUEUE      "mooncrew.Queue"

static mc_ref check_connection(lua_State *L) {
  return bind_check_handle(L, 1, CONNECTION);
}

static mc_ref opt_queue(lua_State *L, int arg) {
  return lua_isnoneornil(L, arg) ? 0 : bind_check_handle(L, arg, QUEUE);
}

/* Connection(incoming or nil, outgoing or nil) */
static int make_connection(lua_State *L) {
  mc_ref connection;
  int error = mc_connection_create(opt_queue(L, 1), opt_queue(L, 2), &connection);
  if (error)
    return bind_raise(L, "Pipe", error);
  bind_handle_adopt(L, connection);
  return 1;
}

static int push_queue(lua_State *L, mc_ref queue) {
  if (queue)
    bind_handle_push(L, queue);
  else
    lua_pushnil(L);
  return 1;
}

/* incoming(connection) → its queue, or nil: it only writes */
static int incoming(lua_State *L) {
  return push_queue(L, mc_connection_incoming(check_connection(L)));
}

static int outgoing(lua_State *L) {
  return push_queue(L, mc_connection_outgoing(check_connection(L)));
}

static int connection_tostring(lua_State *L) {
  mc_ref connection = check_connection(L);
  mc_ref in = mc_connection_incoming(connection);
  mc_ref out = mc_connection_outgoing(connection);
  lua_pushfstring(L, "%s: %s%s%s", CONNECTION, in ? "reads" : "",
                  in && out ? " and " : "", out ? "writes" : "");
  return 1;
}

static bool connection_ready(void *userdata) {
  mc_ref queue = mc_connection_incoming(bind_handle_of(userdata));
  return queue && (mc_queue_size(queue) > 0 || mc_queue_closed(queue));
}

static size_t connection_watch(void *userdata, struct mc_wait_for *watch) {
  mc_ref queue = mc_connection_incoming(bind_handle_of(userdata));
  if (queue == 0)
    return 0;
  watch[0] = (struct mc_wait_for){queue, MC_READABLE};
  return 1;
}

static void connection_check(lua_State *L, void *userdata) {
  if (mc_connection_incoming(bind_handle_of(userdata)) == 0)
    bind_error(L, "wait: a connection that only writes can't be waited for");
}

static const struct bind_waitable waitable = {connection_ready, connection_watch,
                                              connection_check};

static const luaL_Reg methods[] = {{NULL, NULL}};

static const luaL_Reg parts[] = {
    {"Connection", make_connection},
    {"incoming", incoming},
    {"outgoing", outgoing},
    {NULL, NULL},
};

void bind_open_connection(lua_State *L) {
  static const struct bind_sync_class class = {
      MC_KIND_CONNECTION, CONNECTION, methods, NULL, connection_tostring, &waitable};
  bind_sync_class(L, &class);
  lua_insert(L, -2);
  luaL_setfuncs(L, parts, 0);
  lua_insert(L, -2);
}
