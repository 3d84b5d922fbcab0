/* What the files of mooncrew.fs share. */
#ifndef MC_BIND_FS_PARTS_H
#define MC_BIND_FS_PARTS_H

#include "net/fs.h"

#include <lua.h>

/* bind/fs.c: pushes the error of a call: "walk: /path: No such file or directory". */
int bind_fs_push_error(lua_State *L, const char *function, const char *path, int error,
                       const char *text);

/* Pushes nil and that error; returns 2. */
int bind_fs_fail(lua_State *L, const char *function, const char *path, int error,
                 const char *text);

/* A string without NUL bytes. */
const char *bind_fs_check_path(lua_State *L, int arg);

/* Pushes { type, size, mtime, mode, … }. */
void bind_fs_push_entry(lua_State *L, const struct mc_fs_entry *entry);

/* The option `name` of the table at `arg`. */
bool bind_fs_check_flag(lua_State *L, int arg, const char *name, bool otherwise);

/* A stop for copies (os/copy.h): `data` is an enum mc_interruption, set by it. */
bool bind_fs_take_interrupt(void *data);

/* bind/fs_copy_folder.c */
int bind_fs_copy_files(lua_State *L);

/* Put their functions into the module, which is on the top. */
void bind_fs_add_copy(lua_State *L);
void bind_fs_add_change(lua_State *L);

#endif
