/* The lower end of a terminal: bars that stay there, while lines that processes of the
 * tree write go by above them.
 *
 *   a line
 *   another line
 *   |bar of the main process      the cursor waits at the start of the first bar, where
 * it bar of a worker              stays when the terminal becomes wider or narrower
 *
 * The texts of the bars are in memory that is shared from the first fork on, so whoever
 * writes a line draws the bars again behind it, in one piece: clear from the cursor down,
 * the line, the bars, and back. Each in its turn; what one of them was killed or stopped
 * in the middle of is finished by the next (pages.h).
 *
 * Only what goes through stdio or mc_screen_write() knows of the bars: what C code or
 * other programs write to the terminal itself stays on top of them until they are drawn
 * again. */
#ifndef MC_OS_SCREEN_H
#define MC_OS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#define MC_SCREEN_BARS 32   /* at once, of all processes */
#define MC_SCREEN_TEXT 2000 /* bytes of a bar; longer ones are cut */

/* Makes the shared memory if stderr is a terminal; before each fork. Does nothing when it
 * is there. Without memory there are no bars. */
void mc_screen_share(void);

/* In a forked child: what its parent had in hand is not its own. */
void mc_screen_forked(void);

/* From now on stdout and stderr of this process, as far as they are that terminal, are
 * written above the bars. true: they are other streams now, buffered as the old ones;
 * what these held is written. */
bool mc_screen_adopt(void);

/* The terminal's size now; 0: it is not known. */
void mc_screen_size(unsigned *columns, unsigned *rows);

/* A place for a bar below those that are there; -1: there is none, or no terminal. */
int mc_screen_bar_new(void);

/* Draws all bars, with this text for one of them: one line, with colours at most. */
void mc_screen_bar_draw(int bar, const char *text, size_t n);

/* Takes a bar away; its last text, if any, is written as a line above the others. */
void mc_screen_bar_end(int bar, const char *text, size_t n);

/* Writes to a descriptor, above the bars when it is the terminal; what has no line end
 * yet waits for it as long as there are bars. false: it could not be written. */
bool mc_screen_write(int fd, const char *text, size_t n);

/* The end of the process: its bars go, and what waits for a line end is written. */
void mc_screen_leave(void);

#endif
