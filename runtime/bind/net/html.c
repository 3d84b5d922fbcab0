/* mooncrew.html: documents, nodes and XPath. See lua/mooncrew/meta/html.lua for what
 * scripts see.
 *
 *   node userdata ── user value 1 ──► document userdata ──► struct mc_html
 *
 * So a document lives as long as any of its nodes. What libxml2 allocates hangs on a
 * userdata while Lua may raise. */
#include "net/html.h"

#include "bind/net/html_value.h"
#include "bind/net/parts.h"
#include "bind/options.h"
#include "net/charset.h"
#include "net/url.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_CLASS   "mooncrew.html.document"
#define NODE_CLASS       "mooncrew.html.node"
#define EXPRESSION_SHOWN 200
#define TREE_FACTOR      8 /* a tree takes about so many times the bytes of its text */

/* A finalizer may come after the document's own. */
static struct mc_html *check_document(lua_State *L, int arg) {
  struct mc_html *html = *(struct mc_html **)luaL_checkudata(L, arg, DOCUMENT_CLASS);
  luaL_argcheck(L, html, arg, "the document is collected already");
  return html;
}

static xmlNodePtr check_node(lua_State *L, int arg) {
  xmlNodePtr node = *(xmlNodePtr *)luaL_checkudata(L, arg, NODE_CLASS);
  lua_getiuservalue(L, arg, 1);
  struct mc_html **box = lua_touserdata(L, -1);
  luaL_argcheck(L, box && *box, arg, "the node's document is collected already");
  lua_pop(L, 1);
  return node;
}

void bind_html_push_node(lua_State *L, xmlNodePtr node, int document) {
  xmlNodePtr *box = lua_newuserdatauv(L, sizeof(xmlNodePtr), 1);
  *box = node;
  lua_pushvalue(L, document);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, NODE_CLASS);
}

/* ---- parsing ---- */

/* Lua does not see what the tree weighs; told so, it collects dropped documents in time.
 */
static void account(lua_State *L, size_t length) {
  size_t kilobytes = length * TREE_FACTOR / 1024;
  if (kilobytes > 0 && lua_gc(L, LUA_GCISRUNNING))
    lua_gc(L, LUA_GCSTEP, kilobytes > 1 << 20 ? 1 << 20 : (int)kilobytes);
}

/* Leaves the value on the stack: a metatable may have made it up. */
static const char *string_option(lua_State *L, int arg, const char *name) {
  int type = lua_getfield(L, arg, name);
  const char *value = type == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  bool has_nul = value && strlen(value) != lua_rawlen(L, -1);
  if (has_nul || (type != LUA_TNIL && type != LUA_TSTRING))
    luaL_argerror(
        L, arg,
        lua_pushfstring(L, "option '%s': string expected, got %s", name,
                        has_nul ? "one with a NUL byte" : luaL_typename(L, -1)));
  return value;
}

/* html.parse(text [, { base =, encoding = }]) */
static int html_parse(lua_State *L) {
  static const char *const known[] = {"base", "encoding", NULL};
  size_t length;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *text = lua_tolstring(L, 1, &length);
  const char *base = NULL, *encoding = NULL;
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) {
    bind_check_options(L, 2, known);
    base = string_option(L, 2, "base");
    encoding = string_option(L, 2, "encoding");
  }
  struct mc_html **box = lua_newuserdatauv(L, sizeof(struct mc_html *), 0);
  *box = NULL;
  luaL_setmetatable(L, DOCUMENT_CLASS);
  account(L, length);
  *box = mc_html_parse(text, length, base, encoding);
  if (!*box)
    return luaL_error(L, "parse: no memory for a page of %I bytes", (LUAI_UACINT)length);
  return 1;
}

static int document_gc(lua_State *L) {
  struct mc_html **box = luaL_checkudata(L, 1, DOCUMENT_CLASS);
  mc_html_free(*box);
  *box = NULL;
  return 0;
}

/* ---- addresses ---- */

static int push_resolved(lua_State *L, const char *base, const char *href) {
  char **box = bind_html_box(L);
  *box = mc_url_resolve(base, href);
  if (!*box)
    lua_pushnil(L);
  else
    lua_pushstring(L, *box);
  return 1;
}

static const char *check_address(lua_State *L, int arg) {
  size_t length;
  const char *text = luaL_checklstring(L, arg, &length);
  luaL_argcheck(L, strlen(text) == length, arg,
                "address expected, got one with a NUL byte");
  return text;
}

/* doc:url(href): the absolute address, or nil when none can be made of it */
static int document_url(lua_State *L) {
  struct mc_html *html = check_document(L, 1);
  return push_resolved(L, mc_html_base(html), check_address(L, 2));
}

/* html.resolve(base, href) */
static int html_resolve(lua_State *L) {
  const char *base = check_address(L, 1);
  return push_resolved(L, base, check_address(L, 2));
}

/* ---- XPath and nodes ---- */

/* Pushes so much of an expression as a message has room for. */
static const char *push_short(lua_State *L, const char *expression, size_t length) {
  size_t n = length < EXPRESSION_SHOWN ? length : EXPRESSION_SHOWN;
  while (n < length && n > 0 && ((unsigned char)expression[n] & 0xc0) == 0x80)
    n--; /* not inside a character */
  lua_pushlstring(L, expression, n);
  return lua_pushfstring(L, "%s%s", lua_tostring(L, -1), n < length ? "…" : "");
}

static int evaluate(lua_State *L, int document, xmlNodePtr node) {
  struct mc_html *html = check_document(L, document);
  size_t length;
  const char *expression = luaL_checklstring(L, 2, &length);
  luaL_argcheck(L, strlen(expression) == length && mc_charset_is_utf8(expression, length),
                2, "an XPath is UTF-8 text");
  xmlXPathObjectPtr *box = bind_html_object_box(L);
  char error[MC_HTML_ERROR_MAX];
  *box = mc_html_xpath(html, node, expression, error);
  if (!*box)
    return luaL_argerror(
        L, 2,
        lua_pushfstring(L, "XPath '%s': %s", push_short(L, expression, length), error));
  bind_html_push_result(L, *box, document);
  xmlXPathObjectPtr object = *box;
  *box = NULL;
  xmlXPathFreeObject(object);
  return 1;
}

static int document_xpath(lua_State *L) {
  return evaluate(L, 1, NULL);
}

static int node_xpath(lua_State *L) {
  xmlNodePtr node = check_node(L, 1);
  lua_settop(L, 2);
  lua_getiuservalue(L, 1, 1);
  return evaluate(L, 3, node);
}

static int document_text(lua_State *L) {
  bind_html_push_content(L, (xmlNodePtr)mc_html_document(check_document(L, 1)));
  return 1;
}

static int node_text(lua_State *L) {
  bind_html_push_content(L, check_node(L, 1));
  return 1;
}

static int document_html(lua_State *L) {
  xmlDocPtr document = mc_html_document(check_document(L, 1));
  bind_html_push_markup(L, (xmlNodePtr)document);
  return 1;
}

static int node_html(lua_State *L) {
  bind_html_push_markup(L, check_node(L, 1));
  return 1;
}

/* node:attr(name): nil when there is none */
static int node_attr(lua_State *L) {
  xmlNodePtr node = check_node(L, 1);
  const char *name = luaL_checkstring(L, 2);
  xmlAttrPtr attribute =
      node->type == XML_ELEMENT_NODE ? xmlHasProp(node, BAD_CAST name) : NULL;
  if (attribute)
    bind_html_push_content(L, (xmlNodePtr)attribute);
  else
    lua_pushnil(L);
  return 1;
}

/* node.name, else a method */
static int node_index(lua_State *L) {
  xmlNodePtr node = check_node(L, 1);
  const char *key = lua_tostring(L, 2);
  if (key && !strcmp(key, "name")) {
    lua_pushstring(L, node->name ? (const char *)node->name : "");
    return 1;
  }
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}

static int document_index(lua_State *L) {
  struct mc_html *html = check_document(L, 1);
  const char *key = lua_tostring(L, 2);
  if (key && !strcmp(key, "base")) {
    lua_pushstring(L, mc_html_base(html));
    return 1;
  }
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}

static int node_eq(lua_State *L) {
  xmlNodePtr *one = luaL_testudata(L, 1, NODE_CLASS),
             *other = luaL_testudata(L, 2, NODE_CLASS);
  lua_pushboolean(L, one && other && *one == *other);
  return 1;
}

static int node_tostring(lua_State *L) {
  xmlNodePtr node = check_node(L, 1);
  lua_pushfstring(L, "mooncrew.html.node: <%s>",
                  node->name ? (const char *)node->name : "");
  return 1;
}

static const luaL_Reg functions[] = {
    {"parse", html_parse},
    {"resolve", html_resolve},
    {NULL, NULL},
};

static const luaL_Reg document_methods[] = {
    {"xpath", document_xpath}, {"url", document_url}, {"text", document_text},
    {"html", document_html},   {NULL, NULL},
};

static const luaL_Reg node_methods[] = {
    {"xpath", node_xpath}, {"text", node_text}, {"html", node_html},
    {"attr", node_attr},   {NULL, NULL},
};

/* The metatable on top gets an __index that knows the methods. */
static void set_index(lua_State *L, const luaL_Reg *methods, lua_CFunction index) {
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_pushcclosure(L, index, 1);
  lua_setfield(L, -2, "__index");
}

int bind_net_open_html(lua_State *L) {
  xmlInitParser();
  bind_html_open_value(L);
  if (luaL_newmetatable(L, DOCUMENT_CLASS)) {
    set_index(L, document_methods, document_index);
    lua_pushcfunction(L, document_gc);
    lua_setfield(L, -2, "__gc");
  }
  if (luaL_newmetatable(L, NODE_CLASS)) {
    set_index(L, node_methods, node_index);
    lua_pushcfunction(L, node_eq);
    lua_setfield(L, -2, "__eq");
    lua_pushcfunction(L, node_tostring);
    lua_setfield(L, -2, "__tostring");
  }
  luaL_newlib(L, functions);
  return 1;
}
