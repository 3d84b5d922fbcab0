/* Lines that several processes write to one place, each in one piece.
 *
 * A file takes a write() whole, a pipe only as long as it is PIPE_BUF (4096) bytes at
 * most. So whoever writes to a pipe locks it: a record lock, which is of the process, not
 * of the descriptor that processes share, and which a death releases. */
#ifndef MC_OS_LINE_H
#define MC_OS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Writes a line behind what is buffered in the stream. false: not all of it could be
 * written; a signal breaks off what has not begun. */
bool mc_line_write(FILE *file, const char *text, size_t n);

#endif
