/* The options `form` and `files` of a request, as fields of a form. */
#ifndef MC_BIND_HTTP_FORM_H
#define MC_BIND_HTTP_FORM_H

#include "net/http.h"

#include <lua.h>

/* Reads them from the table at `arg`, if they are there. Pushes what holds the fields. */
void bind_http_check_form(lua_State *L, int arg, struct mc_http_request *request);

#endif
