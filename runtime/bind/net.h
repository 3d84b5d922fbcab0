/* The modules mooncrew.http and mooncrew.html: they are in a shared object of their own,
 * since libcurl and libxml2 bring some forty libraries along, which every start and every
 * fork would pay for.
 *
 *   build:      BUILD/mooncrew       BUILD/lib/lua/5.4/mooncrew/net.so
 *   installed:  PREFIX/bin/mooncrew  PREFIX/lib/lua/5.4/mooncrew/net.so
 *   a module:   FOLDER/mooncrew.so   FOLDER/mooncrew/net.so
 *   or anywhere that package.cpath leads to for `mooncrew.net` */
#ifndef MC_BIND_NET_H
#define MC_BIND_NET_H

#include <lua.h>

/* The loaders for package.preload. They raise when the shared object is missing, broken
 * or of another version; the next use tries again. */
int bind_load_http(lua_State *L);
int bind_load_html(lua_State *L);

/* In a forked child: what the parent's client has open is closed, when there is one. */
void bind_net_forked(void);

#endif
