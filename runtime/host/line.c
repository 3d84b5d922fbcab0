/* readline is opened by the first line that is read: a script that shows no prompt would
 * pay for it as much as for all of Lua. */
#include "host/line.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
  char *(*readline)(const char *prompt); /* NULL: there is no readline here */
  void (*add_history)(const char *text);
} editor;

static void open_editor(void) {
  static bool tried;
  if (tried)
    return;
  tried = true;
  void *library = dlopen(READLINE_SONAME, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return;
  const char **name = dlsym(library, "rl_readline_name");
  if (name)
    *name = "lua"; /* people have settings for lua in their inputrc */
  *(void **)&editor.add_history = dlsym(library, "add_history");
  *(void **)&editor.readline = dlsym(library, "readline");
}

char *line_read(const char *prompt) {
  open_editor();
  if (editor.readline)
    return editor.readline(prompt);
  fputs(prompt, stdout);
  fflush(stdout);
  char *line = NULL;
  size_t size = 0;
  if (getline(&line, &size, stdin) >= 0)
    return line;
  free(line);
  return NULL;
}

void line_remember(const char *text) {
  if (editor.add_history)
    editor.add_history(text);
}
