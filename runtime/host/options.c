/* Reading the command line.
 *
 * Letters stand alone: `-vv` and `-iv` are mistakes, as they are to lua. Only -e and -l
 * take more, either glued on or as the next argument. Long names (--help, --version) are
 * ours; every other word behind two dashes is refused, so that scripts' checks of `lua
 * ---` hold. */
#include "host/options.h"

#include <string.h>

/* A word behind two dashes: one of ours, or a mistake. */
static void read_long(struct options *options, const char *word) {
  if (strcmp(word, "--help") == 0)
    options->wish = OPTIONS_HELP;
  else if (strcmp(word, "--version") == 0)
    options->wish = OPTIONS_VERSION;
  else if (strcmp(word, "--helper") == 0)
    options->wish = OPTIONS_HELPER;
  else
    options->wish = OPTIONS_BAD;
}

/* A letter that takes nothing more. */
static bool read_flag(struct options *options, char letter) {
  switch (letter) {
  case 'E':
    options->ignore_env = true;
    return true;
  case 'i':
    options->interactive = true;
    options->version = true;
    return true;
  case 'v':
    options->version = true;
    return true;
  case 'W':
    return true; /* acted upon in its turn, between -e and -l */
  default:
    return false;
  }
}

struct options options_read(char *const argv[]) {
  struct options options = {.wish = OPTIONS_RUN};
  int at = 1;
  for (; argv[at] != NULL; at++) {
    const char *word = argv[at];
    options.script = at;
    if (word[0] != '-' || word[1] == '\0')
      return options;
    if (word[1] == '-') {
      if (word[2] == '\0')
        options.script = at + 1;
      else
        read_long(&options, word);
      return options;
    }
    if (word[1] == 'e' || word[1] == 'l') {
      options.has_statements |= word[1] == 'e';
      if (word[2] != '\0')
        continue;
      at++;
      if (argv[at] != NULL && argv[at][0] != '-')
        continue;
      options.wish = OPTIONS_BAD;
      return options;
    }
    if (word[2] != '\0' || !read_flag(&options, word[1])) {
      options.wish = OPTIONS_BAD;
      return options;
    }
  }
  options.script = at;
  return options;
}
