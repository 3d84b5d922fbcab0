/* The modules mooncrew.http, mooncrew.html and mooncrew.fs: loaders for package.preload.
 */
#ifndef MC_BIND_NET_H
#define MC_BIND_NET_H

#include <lua.h>

int bind_open_http(lua_State *L);
int bind_open_html(lua_State *L);
int bind_open_fs(lua_State *L);

#endif
