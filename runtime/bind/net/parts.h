/* What crosses between the library and net.so, the shared object of mooncrew.http and
 * mooncrew.html, which is opened when one of them is first used.
 *
 *   library  bind/net.c ── struct bind_core ─▶ net.so  bind/net/core.c
 *                       ◀─ struct bind_net ───         bind/net/open.c
 *
 * Two tables, since the library's symbols are nobody else's to see: it may be a binary or
 * a module that a stock lua has loaded for itself alone. So what a process has once (its
 * loop, its waits, its error classes) is the library's; what net.so has of the lower
 * layers beside that is code without state. */
#ifndef MC_BIND_NET_PARTS_H
#define MC_BIND_NET_PARTS_H

#include "bind/wait.h"

#include <lua.h>
#include <uv.h>

#define BIND_NET_SYMBOL "mooncrew_net"

/* See crew/loop.h, bind/wait.h and bind/error.h. */
struct bind_core {
  uv_loop_t *(*loop)(int *error);
  struct bind_wait *(*wait_new)(lua_State *L);
  int (*wait)(lua_State *L, struct bind_wait *wait, mc_time deadline, lua_KContext ctx,
              lua_KFunction k);
  int (*block)(lua_State *L, struct bind_wait *wait, mc_time deadline);
  bool (*in_task)(lua_State *L);
  int (*outcome)(lua_State *L, int code);
  void (*push_error)(lua_State *L, const char *kind, const char *format, ...);
};

struct bind_net {
  const char *version; /* MOONCREW_VERSION; stays first, for it says what follows */
  void (*use)(const struct bind_core *core); /* before anything else */
  int (*open_http)(lua_State *L);            /* lua_CFunctions that return a table */
  int (*open_html)(lua_State *L);
  void (*forked)(void); /* in each new child */
};

/* bind/net/core.c, http.c and html.c */
void bind_net_use(const struct bind_core *core);
int bind_net_open_http(lua_State *L);
int bind_net_open_html(lua_State *L);

#endif
