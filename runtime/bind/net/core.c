/* The library's functions, under their own names in net.so: each calls through the table.
 */
#include "bind/error.h"
#include "bind/net/parts.h"
#include "bind/wait.h"
#include "crew/loop.h"

#include <stdarg.h>

static const struct bind_core *core;

void bind_net_use(const struct bind_core *given) {
  core = given;
}

uv_loop_t *mc_loop(int *error) {
  return core->loop(error);
}

struct bind_wait *bind_wait_new(lua_State *L) {
  return core->wait_new(L);
}

int bind_wait(lua_State *L, struct bind_wait *wait, mc_time deadline, lua_KContext ctx,
              lua_KFunction k) {
  return core->wait(L, wait, deadline, ctx, k);
}

int bind_block(lua_State *L, struct bind_wait *wait, mc_time deadline) {
  return core->block(L, wait, deadline);
}

bool bind_in_task(lua_State *L) {
  return core->in_task(L);
}

int bind_outcome(lua_State *L, int code) {
  return core->outcome(L, code);
}

void bind_push_error(lua_State *L, const char *kind, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *message = lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  core->push_error(L, kind, "%s", message);
  lua_remove(L, -2);
}
