/* What came of a request, as Lua sees it. */
#ifndef MC_BIND_HTTP_ANSWER_H
#define MC_BIND_HTTP_ANSWER_H

#include "net/http.h"

#include <lua.h>

/* Pushes a table with status, url and, when it is told, location. */
void bind_http_push_bare(lua_State *L, int status, const char *url, const char *location);

/* The same, with headers and, when it is told, encoding. */
void bind_http_push_head(lua_State *L, const struct mc_http *transfer, int status,
                         const char *url, const char *location);

/* Pushes what a message says of a URL. */
const char *bind_http_push_shown(lua_State *L, const char *url, bool is_one);

/* Pushes nil and the error of a request to `url`. */
int bind_http_push_failure(lua_State *L, const char *url,
                           const struct mc_http_result *result);

#endif
