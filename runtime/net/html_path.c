#include "net/html_path.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STEP "/descendant::"

static const char *skip_blanks(const char *at) {
  return at + strspn(at, " \t\r\n");
}

static bool is_name_byte(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' ||
         (unsigned char)c >= 0x80;
}

/* Behind a name, with its prefix if it has one; NULL: there is none. */
static const char *skip_name(const char *at) {
  if (isdigit((unsigned char)*at) || *at == '-' || *at == '.' || !is_name_byte(*at))
    return NULL;
  while (is_name_byte(*at))
    at++;
  return at[0] == ':' && at[1] != ':' ? skip_name(at + 1) : at;
}

/* Behind a literal; NULL: it has no end. */
static const char *skip_literal(const char *at) {
  const char *end = strchr(at + 1, *at);
  return end ? end + 1 : NULL;
}

/* ---- conditions ---- */

/* Nothing here is or makes a number, or asks for a position. */
static bool is_plain_word(const char *word, size_t n) {
  static const char *const words[] = {"and",    "or",          "not",
                                      "concat", "contains",    "normalize-space",
                                      "text",   "starts-with", NULL};
  for (const char *const *known = words; *known; known++)
    if (strlen(*known) == n && memcmp(*known, word, n) == 0)
      return true;
  return false;
}

/* Behind one word of a condition that is a matter of yes or no; NULL: it may be another.
 */
static const char *skip_plain(const char *at) {
  if (*at && strchr("=!,()", *at))
    return at + 1;
  if (*at == '\'' || *at == '"')
    return skip_literal(at);
  if (*at == '@')
    return skip_name(skip_blanks(at + 1));
  if (*at == '.' && !is_name_byte(at[1]))
    return at + 1;
  const char *end = skip_name(at);
  return end && is_plain_word(at, (size_t)(end - at)) ? end : NULL;
}

/* Behind a "[…]"; NULL: it may be a matter of numbers. */
static const char *skip_condition(const char *at) {
  at = skip_blanks(at + 1);
  while (at && *at && *at != ']') {
    at = skip_plain(at);
    if (at)
      at = skip_blanks(at);
  }
  return at && *at ? at + 1 : NULL;
}

/* ---- steps ---- */

/* What is behind "//": a name or "*", with conditions of yes or no, or with none. */
static bool is_plain_step(const char *at) {
  at = skip_blanks(at);
  at = *at == '*' ? at + 1 : skip_name(at);
  if (!at)
    return false;
  at = skip_blanks(at);
  if (*at == '(' || *at == ':') /* a function, an axis, or a prefix's "*" */
    return false;
  while (at && *at == '[') {
    at = skip_condition(at);
    if (at)
      at = skip_blanks(at);
  }
  return at != NULL;
}

char *mc_html_path(const char *expression) {
  size_t length = strlen(expression);
  char *path = malloc(length / 2 * strlen(STEP) + length + 1), *to = path;
  const char *at = expression;
  while (path && *at) {
    bool slashes = at[0] == '/' && at[1] == '/';
    const char *next = at + (slashes ? 2 : 1);
    if (*at == '\'' || *at == '"')
      next = skip_literal(at);
    if (!next)
      next = at + strlen(at);
    bool shorter = slashes && is_plain_step(next);
    size_t n = shorter ? strlen(STEP) : (size_t)(next - at);
    memcpy(to, shorter ? STEP : at, n);
    to += n;
    at = next;
  }
  if (path)
    *to = '\0';
  return path;
}
