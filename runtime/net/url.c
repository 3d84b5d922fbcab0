#include "net/url.h"

#include <idn2.h>
#include <libxml/uri.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool may_stand(unsigned char c) {
  return c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c);
}

static bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Encodes what may not stand in a URL; tabs and line breaks inside are dropped, as
 * browsers do. */
static char *clean(const char *href) {
  size_t length = strlen(href);
  while (length && (unsigned char)*href <= ' ') {
    href++;
    length--;
  }
  while (length && (unsigned char)href[length - 1] <= ' ')
    length--;
  char *out = malloc(length * 3 + 1), *to = out;
  if (!out)
    return NULL;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)href[i];
    if (c == '\t' || c == '\r' || c == '\n')
      continue;
    bool stray =
        c == '%' && !(i + 2 < length && is_hex(href[i + 1]) && is_hex(href[i + 2]));
    if (may_stand(c) && !stray)
      *to++ = (char)c;
    else
      to += sprintf(to, "%%%02X", c);
  }
  *to = '\0';
  return out;
}

static bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
         (c && strchr("-._~", c));
}

/* An address with a host, and nothing in it to be encoded: it is what it leads to,
 * wherever it stands. */
static bool is_absolute(const char *href) {
  if (strncmp(href, "http", 4) != 0)
    return false;
  const char *at = href + (href[4] == 's' ? 5 : 4);
  if (strncmp(at, "://", 3) != 0 || !is_unreserved(at[3]))
    return false;
  for (at += 3; is_unreserved(*at); at++)
    ;
  size_t port = *at == ':' ? strspn(at + 1, "0123456789") : 1;
  if (*at == ':')
    at += 1 + port;
  if (port == 0 || port > 5 || (*at && *at != '/'))
    return false;
  while (*at == '/' || is_unreserved(*at))
    at++;
  return !*at;
}

/* The length of the scheme that an address begins with, 0 when it has none. */
static size_t scheme_length(const char *href) {
  size_t length = strspn(href, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789+-.");
  bool begins = (*href >= 'a' && *href <= 'z') || (*href >= 'A' && *href <= 'Z');
  return begins && href[length] == ':' ? length : 0;
}

static bool is_of_web(const char *href) {
  return strncasecmp(href, "http://", 7) == 0 || strncasecmp(href, "https://", 8) == 0;
}

/* Sets a part; false when it can't be that. */
static bool set(CURLU *url, CURLUPart part, const char *text) {
  return curl_url_set(url, part, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
}

/* `reference` counted from `url`, which becomes that. */
static bool go(CURLU *url, const char *reference) {
  /* For libcurl an empty path is the folder, and not the page itself. */
  if (!*reference || *reference == '#')
    return set(url, CURLUPART_FRAGMENT, *reference ? reference + 1 : NULL);
  /* "1:2.png" has no scheme, though it looks so; a dot in front says that. */
  size_t plain = strcspn(reference, ":/?#");
  if (reference[plain] != ':' || scheme_length(reference))
    return set(url, CURLUPART_URL, reference);
  char *relative = malloc(strlen(reference) + sizeof "./");
  if (!relative)
    return false;
  sprintf(relative, "./%s", reference);
  bool ok = set(url, CURLUPART_URL, relative);
  free(relative);
  return ok;
}

static char *resolve_by_curl(const char *base, const char *reference) {
  CURLU *url = curl_url();
  char *text = NULL, *result = NULL;
  if (url && set(url, CURLUPART_URL, base) && go(url, reference) &&
      curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK)
    result = strdup(text);
  curl_free(text);
  curl_url_cleanup(url);
  return result;
}

/* From a base that is no whole address itself, as of a page of which nobody knows where
 * it is from. libcurl has no such; libxml2 decodes what is encoded ("%2F"). */
static char *resolve_by_libxml(const char *base, const char *reference) {
  xmlChar *built = xmlBuildURI(BAD_CAST reference, BAD_CAST base);
  char *result = built ? strdup((const char *)built) : NULL;
  xmlFree(built);
  return result;
}

static char *resolve(const char *base, const char *reference) {
  if (!base || (scheme_length(reference) && !is_of_web(reference)))
    return strdup(reference);
  char *from = clean(base), *result = NULL;
  if (from)
    result = scheme_length(from) ? resolve_by_curl(from, reference)
                                 : resolve_by_libxml(from, reference);
  free(from);
  return result;
}

char *mc_url_resolve(const char *base, const char *href) {
  if (is_absolute(href))
    return strdup(href);
  char *reference = clean(href);
  char *result = reference ? resolve(base, reference) : NULL;
  free(reference);
  return result;
}

static bool is_ascii(const char *text) {
  while (*text && (unsigned char)*text < 0x80)
    text++;
  return !*text;
}

const char *mc_url_host_to_ascii(CURLU *url) {
  char *host = NULL, *ascii = NULL;
  const char *reason = NULL;
  if (curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK && !is_ascii(host)) {
    int code = idn2_to_ascii_8z(host, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (code != IDN2_OK)
      reason = idn2_strerror(code);
    else if (curl_url_set(url, CURLUPART_HOST, ascii, 0) != CURLUE_OK)
      reason = "no such host can be";
  }
  idn2_free(ascii);
  curl_free(host);
  return reason;
}
