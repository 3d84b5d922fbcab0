/* HTML as it is found on the web, and XPath on it. No Lua.
 *
 * A document owns its nodes; results of an XPath point into it. libxml2 prints nothing,
 * asks the network for nothing, and its process-wide handlers are left as they are. */
#ifndef MC_NET_HTML_H
#define MC_NET_HTML_H

#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <stdbool.h>
#include <stddef.h>

struct mc_html;

#define MC_HTML_ERROR_MAX 256

/* Parses any bytes; nothing is too broken. `encoding` is what the HTTP header said, or
 * NULL; see net/charset.h for the rest. `base` is the page's address, or NULL; a <base
 * href> counts from it. NULL: no memory, or the text is larger than 1 GiB. */
struct mc_html *mc_html_parse(const char *text, size_t length, const char *base,
                              const char *encoding);
void mc_html_free(struct mc_html *html);

xmlDocPtr mc_html_document(struct mc_html *html);

/* The address that relative ones count from; NULL when there is none. */
const char *mc_html_base(const struct mc_html *html);

/* Evaluates an expression from a node (NULL: the document). The caller frees the result
 * with xmlXPathFreeObject. NULL: `error` says why: bad syntax, an unknown function or
 * prefix, too much work, no memory. Compiled expressions are kept. */
xmlXPathObjectPtr mc_html_xpath(struct mc_html *html, xmlNodePtr node,
                                const char *expression, char error[MC_HTML_ERROR_MAX]);

/* All the text in a node, and a node as HTML. The caller frees it with free(). NULL: no
 * memory. */
char *mc_html_content(xmlNodePtr node);
char *mc_html_markup(xmlNodePtr node);

#endif
