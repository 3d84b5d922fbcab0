/* XPaths that mean the same and are found faster. */
#ifndef MC_NET_HTML_PATH_H
#define MC_NET_HTML_PATH_H

/* "//p[@a='b']" stands for two steps, of which the first collects every node there is;
 * libxml2 makes one of them, "/descendant::p[@a='b']", but not where there are
 * conditions. Those may count: "//p[1]" is the first p of each element, and not one in
 * all. Where they are known not to, it is done here.
 *
 * The caller frees the result with free(). NULL: no memory. What is no XPath is copied
 * as it is. */
char *mc_html_path(const char *expression);

#endif
