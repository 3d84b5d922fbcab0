/* The Lua modules of lua/mooncrew, compiled, as the build puts them into the library. */
#ifndef MC_BIND_EMBEDDED_H
#define MC_BIND_EMBEDDED_H

#include <stddef.h>

struct bind_embedded {
  const char *name;           /* as `require` takes it */
  const unsigned char *chunk; /* bytecode */
  size_t length;
};

extern const struct bind_embedded bind_embedded[]; /* ended by a NULL name */

#endif
