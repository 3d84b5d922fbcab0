/* What encoding a page is in, and its text in UTF-8. */
#ifndef MC_NET_CHARSET_H
#define MC_NET_CHARSET_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define MC_CHARSET_NAME_MAX 40

/* Finds out the encoding as browsers do: a byte order mark, what the caller was told (the
 * HTTP header; NULL: nothing), a <meta> near the top, UTF-8 when the bytes are that, else
 * windows-1252. `name` gets a label for iconv. Labels mean what they mean on the web:
 * gb2312 is gb18030, iso-8859-1 is windows-1252. One that nobody knows is passed over. */
void mc_charset_detect(const char *text, size_t length, const char *told,
                       char name[MC_CHARSET_NAME_MAX]);

/* True when the label is an encoding that can be read. */
bool mc_charset_is_known(const char *label);

/* True when the bytes are UTF-8 without NUL. */
bool mc_charset_is_utf8(const char *text, size_t length);

/* Appends the text in UTF-8, bytes that mean nothing and NUL as U+FFFD, a byte order mark
 * left out. 0; -ENOMEM; -EINVAL for an unknown encoding. */
int mc_charset_to_utf8(const char *text, size_t length, const char *name,
                       struct mc_buffer *out);

#endif
