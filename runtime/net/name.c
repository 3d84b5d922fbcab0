/* Names for files that come from outside: from URLs, titles, archives. */
#include "net/fs.h"

#include <string.h>

#define EXTENSION_MAX 32 /* longer than that is no extension but a dot in a sentence */

static bool is_continuation(char c) {
  return ((unsigned char)c & 0xc0) == 0x80;
}

/* The longest prefix of at most `room` bytes that does not end inside a UTF-8 character.
 * Bytes that are no UTF-8 are cut anywhere. */
static size_t cut(const char *text, size_t length, size_t room) {
  if (length <= room)
    return length;
  size_t end = room;
  while (end > 0 && room - end < 4 && is_continuation(text[end]))
    end--;
  return is_continuation(text[end]) ? room : end;
}

static size_t extension_length(const char *text, size_t length) {
  for (size_t n = 1; n < length && n <= EXTENSION_MAX; n++)
    if (text[length - n] == '.')
      return n;
  return 0;
}

size_t mc_fs_safe_name(const char *text, size_t length, char *out) {
  size_t stem = length, extension = 0;
  if (length > MC_FS_NAME_MAX) {
    extension = extension_length(text, length);
    stem = cut(text, length - extension, MC_FS_NAME_MAX - extension);
  }
  memcpy(out, text, stem);
  memcpy(out + stem, text + length - extension, extension);
  size_t n = stem + extension;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)out[i];
    if (c < 0x20 || c == 0x7f || c == '/')
      out[i] = '_';
  }
  if (n == 0)
    out[n++] = '_';
  if ((n == 1 && out[0] == '.') || (n == 2 && out[0] == '.' && out[1] == '.'))
    memset(out, '_', n);
  out[n] = '\0';
  return n;
}
