/* The command line, read but not yet acted upon. */
#ifndef MC_HOST_OPTIONS_H
#define MC_HOST_OPTIONS_H

#include <stdbool.h>

enum options_wish {
  OPTIONS_RUN,     /* do what the flags and the script say */
  OPTIONS_HELP,    /* --help */
  OPTIONS_VERSION, /* --version */
  OPTIONS_HELPER,  /* --helper, said by a host's library */
  OPTIONS_BAD,     /* argv[script] is the option that was not understood */
};

struct options {
  enum options_wish wish;
  bool interactive;    /* -i */
  bool version;        /* -v, or implied by -i */
  bool ignore_env;     /* -E */
  bool has_statements; /* at least one -e */
  int script;          /* index of the script in argv; argc when there is none */
};

/* Reads argv, which must end with NULL and hold at least argv[0]. Cannot fail: a mistake
 * is a wish of its own. */
struct options options_read(char *const argv[]);

#endif
