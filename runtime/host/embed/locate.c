#include "host/embed/locate.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The build says: HELPER_PATH, where the program goes below the prefix of the build, and
 * HELPER_FROM_LIBRARY, where it is as seen from the library's folder: that holds in any
 * prefix. */

static bool fits(int length, size_t size) {
  return length > 0 && (size_t)length < size;
}

/* Beside the shared library, when this code is in it. */
static bool beside_library(char *path, size_t size) {
  static const char here;
  Dl_info info;
  if (!dladdr(&here, &info) || !info.dli_fname)
    return false;
  const char *slash = strrchr(info.dli_fname, '/');
  if (!slash || strncmp(slash + 1, "libmooncrew.so", 14) != 0)
    return false;
  int length = snprintf(path, size, "%.*s/%s", (int)(slash - info.dli_fname),
                        info.dli_fname, HELPER_FROM_LIBRARY);
  return fits(length, size) && access(path, X_OK) == 0;
}

bool embed_locate(const char *wanted, char *path, size_t size) {
  if (!wanted)
    wanted = secure_getenv("MOONCREW_HELPER");
  if (!wanted && beside_library(path, size))
    return true;
  return fits(snprintf(path, size, "%s", wanted ? wanted : HELPER_PATH), size);
}
