/* fs.walk. */
#ifndef MC_BIND_FS_WALK_H
#define MC_BIND_FS_WALK_H

#include <lua.h>

/* fs.walk(dir [, options]): an iterator of path, entry; or nil, err. */
int bind_fs_walk(lua_State *L);

/* Makes the class of its state. */
void bind_fs_open_walk(lua_State *L);

#endif
