/* A request as a script gives it: arguments and a table of options. */
#ifndef MC_BIND_HTTP_REQUEST_H
#define MC_BIND_HTTP_REQUEST_H

#include "net/http.h"

#include <lua.h>

struct bind_http_request {
  struct mc_http_request request; /* its strings are held by the Lua stack */
  int options;                    /* the argument that headers come from */
  int body; /* where on the stack the function is that gives the body; 0: there is none */
  bool bare; /* of a download: without the answer's headers */
};

/* Each raises an argument error for what is wrong. check_url comes first, and sets
 * defaults. */
void bind_http_check_url(lua_State *L, int arg, struct bind_http_request *given);
void bind_http_check_path(lua_State *L, int arg, struct bind_http_request *given);

/* nil is no options. Pushes what holds the request's strings. */
void bind_http_check_options(lua_State *L, int arg, struct bind_http_request *given);

/* The one table of http.request: url, method and body beside the options. */
void bind_http_check_request(lua_State *L, int arg, struct bind_http_request *given);

/* Raises the argument error for a method, or the line of a header, that can't be sent. */
int bind_http_refuse(lua_State *L, const struct bind_http_request *given,
                     const char *what);

/* The table of http.limits. */
void bind_http_check_limits(lua_State *L, int arg, struct mc_http_limits *limits);

#endif
