/* What libxml2 found, as Lua values. */
#ifndef MC_BIND_HTML_VALUE_H
#define MC_BIND_HTML_VALUE_H

#include "net/html.h"

#include <lua.h>

/* Makes the classes of the boxes. */
void bind_html_open_value(lua_State *L);

/* Push a userdata for something that is freed with it: bytes of malloc, the result of an
 * XPath. */
char **bind_html_box(lua_State *L);
xmlXPathObjectPtr *bind_html_object_box(lua_State *L);

/* Pushes a list of strings and nodes, a number, a boolean or a string. `document` is the
 * index of the document's userdata. */
void bind_html_push_result(lua_State *L, xmlXPathObjectPtr result, int document);

/* Pushes all the text in a node. */
void bind_html_push_content(lua_State *L, xmlNodePtr node);

/* Pushes a node as HTML. */
void bind_html_push_markup(lua_State *L, xmlNodePtr node);

/* bind/net/html.c: pushes a node's userdata. */
void bind_html_push_node(lua_State *L, xmlNodePtr node, int document);

#endif
