/* fs.walk, and what it shares with the rest of mooncrew.fs. */
#ifndef MC_BIND_FS_WALK_H
#define MC_BIND_FS_WALK_H

#include "net/fs.h"

#include <lua.h>

/* fs.walk(dir [, options]): an iterator of path, entry; or nil, err. */
int bind_fs_walk(lua_State *L);

/* Makes the class of its state. */
void bind_fs_open_walk(lua_State *L);

/* bind/fs.c: pushes the error of a call: "walk: /path: No such file or directory". */
int bind_fs_push_error(lua_State *L, const char *function, const char *path, int error,
                       const char *text);

/* A string without NUL bytes. */
const char *bind_fs_check_path(lua_State *L, int arg);

/* Pushes { type, size, mtime, mode }. */
void bind_fs_push_entry(lua_State *L, const struct mc_fs_entry *entry);

#endif
