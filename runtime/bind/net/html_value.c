#include "bind/net/html_value.h"

#include <lauxlib.h>
#include <stdlib.h>

#define BYTES_CLASS  "mooncrew.html.bytes"
#define OBJECT_CLASS "mooncrew.html.object"

static int bytes_gc(lua_State *L) {
  char **box = luaL_checkudata(L, 1, BYTES_CLASS);
  free(*box);
  *box = NULL;
  return 0;
}

static int object_gc(lua_State *L) {
  xmlXPathObjectPtr *box = luaL_checkudata(L, 1, OBJECT_CLASS);
  xmlXPathFreeObject(*box);
  *box = NULL;
  return 0;
}

static void make_class(lua_State *L, const char *name, lua_CFunction gc) {
  if (luaL_newmetatable(L, name)) {
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
}

void bind_html_open_value(lua_State *L) {
  make_class(L, BYTES_CLASS, bytes_gc);
  make_class(L, OBJECT_CLASS, object_gc);
}

char **bind_html_box(lua_State *L) {
  char **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, BYTES_CLASS);
  return box;
}

xmlXPathObjectPtr *bind_html_object_box(lua_State *L) {
  xmlXPathObjectPtr *box = lua_newuserdatauv(L, sizeof(xmlXPathObjectPtr), 0);
  *box = NULL;
  luaL_setmetatable(L, OBJECT_CLASS);
  return box;
}

/* The text of a node that has it in one piece, as nearly every attribute and text has. */
static const xmlChar *plain_content(xmlNodePtr node) {
  switch (node->type) {
  case XML_TEXT_NODE:
  case XML_CDATA_SECTION_NODE:
  case XML_COMMENT_NODE:
  case XML_PI_NODE:
    return node->content ? node->content : BAD_CAST "";
  case XML_NAMESPACE_DECL: { /* a struct of another kind under the same pointer type */
    const xmlChar *href = ((xmlNsPtr)node)->href;
    return href ? href : BAD_CAST "";
  }
  case XML_ATTRIBUTE_NODE:
  case XML_ELEMENT_NODE:
    if (!node->children)
      return BAD_CAST "";
    return !node->children->next && node->children->type == XML_TEXT_NODE
               ? plain_content(node->children)
               : NULL;
  default:
    return NULL;
  }
}

/* Pushes text that is made for us, and then freed. */
static void push_made(lua_State *L, char *(*make)(xmlNodePtr), xmlNodePtr node) {
  char **box = bind_html_box(L);
  *box = make(node);
  if (!*box)
    luaL_error(L, "not enough memory");
  lua_pushstring(L, *box);
  free(*box);
  *box = NULL;
  lua_remove(L, -2);
}

void bind_html_push_content(lua_State *L, xmlNodePtr node) {
  const xmlChar *plain = plain_content(node);
  if (plain) {
    lua_pushstring(L, (const char *)plain);
    return;
  }
  push_made(L, mc_html_content, node);
}

void bind_html_push_markup(lua_State *L, xmlNodePtr node) {
  push_made(L, mc_html_markup, node);
}

/* XPath has no integers; a count reads better as one. */
static void push_number(lua_State *L, double number) {
  lua_Integer integer;
  if (lua_numbertointeger(number, &integer) && (double)integer == number)
    lua_pushinteger(L, integer);
  else
    lua_pushnumber(L, number);
}

static bool is_string(const xmlNode *node) {
  return node->type == XML_ATTRIBUTE_NODE || node->type == XML_TEXT_NODE ||
         node->type == XML_CDATA_SECTION_NODE || node->type == XML_NAMESPACE_DECL;
}

static void push_set(lua_State *L, const xmlNodeSet *set, int document) {
  int n = set ? set->nodeNr : 0;
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    xmlNodePtr node = set->nodeTab[i];
    if (is_string(node))
      bind_html_push_content(L, node);
    else
      bind_html_push_node(L, node, document);
    lua_rawseti(L, -2, i + 1);
  }
}

void bind_html_push_result(lua_State *L, xmlXPathObjectPtr result, int document) {
  luaL_checkstack(L, 8, NULL);
  switch (result->type) {
  case XPATH_NODESET:
    push_set(L, result->nodesetval, document);
    break;
  case XPATH_BOOLEAN:
    lua_pushboolean(L, result->boolval);
    break;
  case XPATH_NUMBER:
    push_number(L, result->floatval);
    break;
  default:
    lua_pushstring(L, result->stringval ? (const char *)result->stringval : "");
  }
}
