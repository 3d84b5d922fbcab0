#include "base/size.h"

#include <errno.h>
#include <stdlib.h>

uint64_t mc_parse_size(const char *text) {
  if (*text < '0' || *text > '9')
    return 0;
  char *end;
  errno = 0;
  unsigned long long n = strtoull(text, &end, 10);
  if (errno)
    return 0;
  static const char units[] = "KMGT";
  unsigned shift = 0;
  for (unsigned i = 0; units[i]; i++)
    if (*end == units[i] || *end == units[i] + ('a' - 'A'))
      shift = 10 * (i + 1);
  if (shift)
    end++;
  if (*end || n > (UINT64_MAX >> shift))
    return 0;
  return (uint64_t)n << shift;
}
