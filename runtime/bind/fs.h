/* The module mooncrew.fs: the loader for package.preload. */
#ifndef MC_BIND_FS_H
#define MC_BIND_FS_H

#include <lua.h>

int bind_open_fs(lua_State *L);

#endif
