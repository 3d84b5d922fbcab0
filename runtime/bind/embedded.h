/* The Lua modules of lua/mooncrew, as the build puts them into the library. */
#ifndef MC_BIND_EMBEDDED_H
#define MC_BIND_EMBEDDED_H

#include <stddef.h>

struct bind_embedded {
  const char *name; /* as `require` takes it */
  const char *source;
  size_t length;
};

extern const struct bind_embedded bind_embedded[]; /* ended by a NULL name */

#endif
