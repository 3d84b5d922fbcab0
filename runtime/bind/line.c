#include "bind/line.h"

#include "crew/line.h"

#include <lauxlib.h>
#include <lualib.h>

/* write_line(file, text): whether it could be written */
static int write_line(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  size_t n;
  const char *text = luaL_checklstring(L, 2, &n);
  luaL_argcheck(L, stream->closef, 1, "open file expected, got a closed one");
  lua_pushboolean(L, mc_line_write(stream->f, text, n));
  return 1;
}

void bind_open_line(lua_State *L) {
  lua_pushcfunction(L, write_line);
  lua_setfield(L, -2, "write_line");
}
