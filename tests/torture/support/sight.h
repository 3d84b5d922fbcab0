/* What one sees on a terminal on which bars were drawn. */
#ifndef MC_TESTS_TORTURE_SIGHT_H
#define MC_TESTS_TORTURE_SIGHT_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SIGHT_ROWS 1024
#define SIGHT_WIDE 64

struct sight {
  int row, column;
  char rows[SIGHT_ROWS][SIGHT_WIDE]; /* each ends with its zeros */
};

/* What is right of the cursor, and `below` too. */
static inline void sight_clear(struct sight *sight, bool below) {
  memset(sight->rows[sight->row] + sight->column, 0,
         (size_t)(SIGHT_WIDE - sight->column));
  for (int row = sight->row + 1; below && row < SIGHT_ROWS; row++)
    memset(sight->rows[row], 0, SIGHT_WIDE);
}

/* A sequence behind ESC [; its last byte. */
static inline const char *sight_obey(struct sight *sight, const char *at) {
  char *last;
  long n = strtol(at + (*at == '?'), &last, 10);
  if (*last == 'A')
    sight->row -= (int)(n < sight->row ? n : sight->row);
  else if (*last == 'J' || *last == 'K')
    sight_clear(sight, *last == 'J');
  return last;
}

/* All that was written, from an empty terminal on; the text ends with a zero. false: that
 * is more than there is room for. */
static inline bool sight_see(struct sight *sight, const char *text, size_t n) {
  memset(sight, 0, sizeof *sight);
  for (const char *at = text; at < text + n; at++) {
    if (sight->row == SIGHT_ROWS - 1 || sight->column == SIGHT_WIDE - 1)
      return false;
    if (*at == '\33')
      at = sight_obey(sight, at + 2);
    else if (*at == '\r' || *at == '\n')
      sight->column = 0;
    else
      sight->rows[sight->row][sight->column++] = *at;
    sight->row += *at == '\n';
  }
  return true;
}

#endif
