/* Reading the prompt's lines, with readline's editing and history where it is installed.
 */
#ifndef MC_HOST_LINE_H
#define MC_HOST_LINE_H

/* Shows the prompt and reads a line, whose newline may be left. The caller frees it with
 * free(). NULL: end of input. */
char *line_read(const char *prompt);

/* Adds a text to the history. */
void line_remember(const char *text);

#endif
