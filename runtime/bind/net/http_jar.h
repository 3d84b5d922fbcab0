/* Cookies that requests share. */
#ifndef MC_BIND_HTTP_JAR_H
#define MC_BIND_HTTP_JAR_H

#include "net/http.h"

#include <lua.h>

/* Makes the class. */
void bind_http_open_jar(lua_State *L);

/* The jar at an index, or NULL when there is none. */
struct mc_http_jar *bind_http_to_jar(lua_State *L, int index);

/* http.cookies([lines]) */
int bind_http_new_jar(lua_State *L);

#endif
