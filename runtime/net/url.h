/* Addresses: where one leads that stands in a page, and how hosts are written for DNS.
 *
 * Functions without state: any thread may call them. */
#ifndef MC_NET_URL_H
#define MC_NET_URL_H

#include <curl/curl.h>

/* An address that counts from another (RFC 3986), both as found in pages: blanks around
 * it are dropped, what may not stand in a URL is percent-encoded. `base` may be NULL. An
 * address of a scheme that is not of the web is what it is. The caller frees it with
 * free(). NULL: no memory, or nothing sensible can be made of it. */
char *mc_url_resolve(const char *base, const char *href);

/* Rewrites a host that is not ASCII ("bücher.de") as DNS has it ("xn--bcher-kva.de",
 * IDNA 2008 and UTS 46). Returns NULL, or what is wrong with it, a constant text; then
 * `url` is as it was. */
const char *mc_url_host_to_ascii(CURLU *url);

#endif
