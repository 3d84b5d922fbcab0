#include "net/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define META_WITHIN 4096 /* bytes from the top in which a <meta> is looked for */
#define REPLACEMENT "\xef\xbf\xbd"

/* Labels that pages use for a larger encoding than the one that iconv knows by that name.
 */
static const struct {
  const char *label, *meant;
} aliases[] = {
    {"utf8", "UTF-8"},           {"unicode-1-1-utf-8", "UTF-8"},
    {"gb2312", "GB18030"},       {"gbk", "GB18030"},
    {"gb_2312-80", "GB18030"},   {"x-gbk", "GB18030"},
    {"iso-8859-1", "CP1252"},    {"latin1", "CP1252"},
    {"us-ascii", "CP1252"},      {"ascii", "CP1252"},
    {"windows-1252", "CP1252"},  {"x-cp1252", "CP1252"},
    {"iso8859-1", "CP1252"},     {"iso-8859-9", "CP1254"},
    {"shift_jis", "CP932"},      {"shift-jis", "CP932"},
    {"sjis", "CP932"},           {"x-sjis", "CP932"},
    {"windows-31j", "CP932"},    {"euc-kr", "CP949"},
    {"ks_c_5601-1987", "CP949"}, {"big5", "BIG5-HKSCS"},
    {"tis-620", "CP874"},        {"utf-16", "UTF-16LE"},
    {"x-euc-jp", "EUC-JP"},      {"unicode", "UTF-16LE"},
};

/* Copies a label without the blanks around it, and in what iconv understands by it.
 * false: it can't be one. iconv's own suffixes ("//TRANSLIT") don't come through. */
static bool normalize(const char *label, size_t length, char name[MC_CHARSET_NAME_MAX]) {
  while (length && strchr(" \t\r\n\f", *label)) {
    label++;
    length--;
  }
  while (length && strchr(" \t\r\n\f", label[length - 1]))
    length--;
  if (length == 0 || length >= MC_CHARSET_NAME_MAX || memchr(label, '/', length) ||
      memchr(label, '\0', length))
    return false;
  memcpy(name, label, length);
  name[length] = '\0';
  for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
    if (strcasecmp(name, aliases[i].label) == 0)
      snprintf(name, MC_CHARSET_NAME_MAX, "%s", aliases[i].meant);
  return true;
}

static bool can_convert(const char *name) {
  iconv_t converter = iconv_open("UTF-8", name);
  if (converter == (iconv_t)-1)
    return false;
  iconv_close(converter);
  return true;
}

static bool accept(const char *label, size_t length, char name[MC_CHARSET_NAME_MAX]) {
  char found[MC_CHARSET_NAME_MAX];
  if (!normalize(label, length, found) || !can_convert(found))
    return false;
  memcpy(name, found, sizeof found);
  return true;
}

bool mc_charset_is_known(const char *label) {
  char name[MC_CHARSET_NAME_MAX];
  return accept(label, strlen(label), name);
}

static const struct {
  const char *bytes;
  size_t length;
  const char *name;
} marks[] = {{"\xef\xbb\xbf", 3, "UTF-8"},
             {"\xff\xfe", 2, "UTF-16LE"},
             {"\xfe\xff", 2, "UTF-16BE"}};

static size_t mark_length(const char *text, size_t length, const char **name) {
  for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
    if (length >= marks[i].length && memcmp(text, marks[i].bytes, marks[i].length) == 0) {
      *name = marks[i].name;
      return marks[i].length;
    }
  return 0;
}

static const char *find(const char *text, const char *end, const char *wanted) {
  size_t n = strlen(wanted);
  for (; (size_t)(end - text) >= n; text++)
    if (strncasecmp(text, wanted, n) == 0)
      return text;
  return NULL;
}

/* Finds charset=… inside one tag: both <meta charset=x> and <meta content="…;
 * charset=x">. */
static bool charset_of_tag(const char *tag, const char *end,
                           char name[MC_CHARSET_NAME_MAX]) {
  const char *at = find(tag, end, "charset");
  if (!at)
    return false;
  at += strlen("charset");
  while (at < end && strchr(" \t\r\n", *at) && *at)
    at++;
  if (at == end || *at++ != '=')
    return false;
  while (at < end && *at && strchr(" \t\r\n\"'", *at))
    at++;
  const char *stop = at;
  while (stop < end && *stop && !strchr(" \t\r\n\"';/>", *stop))
    stop++;
  return accept(at, (size_t)(stop - at), name);
}

static bool charset_of_meta(const char *text, size_t length,
                            char name[MC_CHARSET_NAME_MAX]) {
  const char *end = text + (length < META_WITHIN ? length : META_WITHIN);
  const char *tag = text;
  while ((tag = memchr(tag, '<', (size_t)(end - tag)))) {
    if (end - tag >= 4 && memcmp(tag, "<!--", 4) == 0) {
      tag = find(tag + 4, end, "-->");
      if (!tag)
        return false;
      continue;
    }
    const char *close = memchr(tag, '>', (size_t)(end - tag));
    close = close ? close : end;
    if (end - tag > 5 && strncasecmp(tag, "<meta", 5) == 0 &&
        charset_of_tag(tag + 5, close, name)) {
      /* What we could read the tag of is no UTF-16, whatever it says. */
      if (strncasecmp(name, "UTF-16", 6) == 0)
        snprintf(name, MC_CHARSET_NAME_MAX, "UTF-8");
      return true;
    }
    tag++;
  }
  return false;
}

void mc_charset_detect(const char *text, size_t length, const char *told,
                       char name[MC_CHARSET_NAME_MAX]) {
  const char *marked;
  if (mark_length(text, length, &marked))
    snprintf(name, MC_CHARSET_NAME_MAX, "%s", marked);
  else if (!(told && accept(told, strlen(told), name)) &&
           !charset_of_meta(text, length, name))
    snprintf(name, MC_CHARSET_NAME_MAX, "%s",
             mc_charset_is_utf8(text, length) ? "UTF-8" : "CP1252");
}

/* ---- conversion ---- */

/* The length of the UTF-8 character at `at`; 0: there is none. */
static size_t character(const unsigned char *at, size_t room) {
  unsigned char c = at[0];
  if (c < 0x80)
    return c != 0;
  size_t n = c >= 0xc2 && c <= 0xdf   ? 2
             : c >= 0xe0 && c <= 0xef ? 3
             : c >= 0xf0 && c <= 0xf4 ? 4
                                      : 0;
  if (n == 0 || n > room)
    return 0;
  for (size_t i = 1; i < n; i++)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
  if ((c == 0xe0 && at[1] < 0xa0) || (c == 0xed && at[1] > 0x9f) ||
      (c == 0xf0 && at[1] < 0x90) || (c == 0xf4 && at[1] > 0x8f))
    return 0;
  return n;
}

/* Eight bytes of ASCII, none of them NUL. */
static bool is_plain_word(const unsigned char *at) {
  const uint64_t lows = 0x0101010101010101, highs = 0x8080808080808080;
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return ((word | (word - lows)) & highs) == 0;
}

bool mc_charset_is_utf8(const char *text, size_t length) {
  const unsigned char *at = (const unsigned char *)text;
  for (size_t i = 0, n; i < length; i += n) {
    bool plain = length - i >= 8 && is_plain_word(at + i);
    n = plain ? 8 : character(at + i, length - i);
    if (n == 0)
      return false;
  }
  return true;
}

static int mend_utf8(const char *text, size_t length, struct mc_buffer *out) {
  size_t sound = 0; /* where the bytes begin that are not copied yet */
  for (size_t i = 0; i < length;) {
    size_t n = character((const unsigned char *)text + i, length - i);
    if (n) {
      i += n;
      continue;
    }
    if (!mc_buffer_append(out, text + sound, i - sound) ||
        !mc_buffer_append(out, REPLACEMENT, 3))
      return -ENOMEM;
    sound = ++i;
  }
  return mc_buffer_append(out, text + sound, length - sound) ? 0 : -ENOMEM;
}

/* The bytes of the smallest thing that can be wrong: one byte less, and all that follows
 * would be read across. */
static size_t unit_of(const char *name) {
  bool is_32 = strncasecmp(name, "UTF-32", 6) == 0 || strncasecmp(name, "UCS-4", 5) == 0;
  bool is_16 = strncasecmp(name, "UTF-16", 6) == 0 || strncasecmp(name, "UCS-2", 5) == 0;
  return is_32 ? 4 : is_16 ? 2 : 1;
}

/* Converts as far as iconv goes, and one replaced unit further. */
static int convert_some(iconv_t converter, char **in, size_t *left, size_t unit,
                        struct mc_buffer *out) {
  if (!mc_buffer_reserve(out, *left + 64))
    return -ENOMEM;
  char *to = (char *)out->data + out->length;
  size_t room = out->capacity - out->length;
  size_t before = room;
  size_t converted = iconv(converter, in, left, &to, &room);
  out->length += before - room;
  if (converted != (size_t)-1 || errno == E2BIG)
    return 0;
  size_t skipped = unit < *left ? unit : *left;
  *in += skipped;
  *left -= skipped;
  return mc_buffer_append(out, REPLACEMENT, 3) ? 0 : -ENOMEM;
}

int mc_charset_to_utf8(const char *text, size_t length, const char *name,
                       struct mc_buffer *out) {
  const char *marked;
  size_t mark = mark_length(text, length, &marked);
  if (mark && strcmp(marked, name) == 0) {
    text += mark;
    length -= mark;
  }
  if (strcasecmp(name, "UTF-8") == 0)
    return mend_utf8(text, length, out);
  iconv_t converter = iconv_open("UTF-8", name);
  if (converter == (iconv_t)-1)
    return errno == ENOMEM ? -ENOMEM : -EINVAL;
  struct mc_buffer raw = {0};
  char *in = (char *)text; /* iconv does not write there */
  int error = 0;
  while (length && !error)
    error = convert_some(converter, &in, &length, unit_of(name), &raw);
  iconv_close(converter);
  if (!error) /* NUL bytes and the like are mended here */
    error = mend_utf8((const char *)raw.data, raw.length, out);
  mc_buffer_free(&raw);
  return error;
}
