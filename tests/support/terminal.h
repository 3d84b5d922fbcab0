/* A terminal of a test's own: what is written to its one end is read, byte by byte the
 * same, from the other. */
#ifndef MC_TESTS_SUPPORT_TERMINAL_H
#define MC_TESTS_SUPPORT_TERMINAL_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>

struct terminal {
  int screen; /* where one reads */
  int end;    /* where programs write */
};

/* `flags` of open(), for the end. */
static inline bool terminal_open(struct terminal *terminal, int flags) {
  struct termios raw;
  int screen = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (screen < 0 || grantpt(screen) || unlockpt(screen))
    return false;
  int end = open(ptsname(screen), O_RDWR | O_NOCTTY | O_CLOEXEC | flags);
  if (end < 0 || tcgetattr(end, &raw))
    return false;
  cfmakeraw(&raw);
  *terminal = (struct terminal){screen, end};
  return tcsetattr(end, TCSANOW, &raw) == 0;
}

#endif
