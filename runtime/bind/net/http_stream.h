/* Bodies that are read while they come. */
#ifndef MC_BIND_HTTP_STREAM_H
#define MC_BIND_HTTP_STREAM_H

#include "net/http.h"

#include <lua.h>

/* Makes the class. */
void bind_http_open_stream(lua_State *L);

/* Pushes the stream of an open transfer, which is the stream's from then on. */
void bind_http_push_stream(lua_State *L, struct mc_http **transfer, const char *url);

#endif
