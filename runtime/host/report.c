/* What the command says, in one place: it alone in the runtime writes to stdout and
 * stderr.
 *
 * Invariant: stdout is flushed after each text, and stderr after each message, so that
 * the order holds when both go to one terminal or file. */
#include "host/report.h"

#include "mooncrew.h"

#include <lauxlib.h>
#include <stdio.h>

static const char *name = "mooncrew";

static const char usage[] = "usage: %s [options] [script [args]]\n"
                            "options:\n"
                            "  -e code   run the string 'code'\n"
                            "  -i        enter the interactive prompt after the script\n"
                            "  -l mod    require module 'mod' into global 'mod'\n"
                            "  -l g=mod  require module 'mod' into global 'g'\n"
                            "  -v        show the version of Lua\n"
                            "  -E        ignore environment variables\n"
                            "  -W        turn warnings on\n"
                            "  --        end of options\n"
                            "  -         end of options, run stdin\n"
                            "  --help    show this page\n"
                            "  --version show the versions of mooncrew and Lua\n";

static const char more_usage[] =
    "\n"
    "script is a file, or the name of an installed task script. Without one, the prompt\n"
    "opens, or stdin runs when it is not a terminal.\n"
    "\n"
    "environment:\n"
    "  LUA_INIT_5_4, LUA_INIT  code to run first, or @file\n"
    "  LUA_PATH, LUA_CPATH     where modules are looked for\n"
    "  MOONCREW_SCRIPTS        folders of installed task scripts, split by ':'\n"
    "  MOONCREW_MALLOC=malloc  Lua's memory comes from malloc alone, for valgrind\n"
    "\n"
    "exit status: 0, 1 for an error, 2 for bad usage, 130 after Ctrl-C, 143 after\n"
    "SIGTERM\n";

const char *report_set_name(const char *new_name) {
  const char *old = name;
  name = new_name;
  return old;
}

void report_message(const char *message) {
  /* one call, one write: other processes may be writing to the same terminal */
  fprintf(stderr, "%s%s%s\n", name != NULL ? name : "", name != NULL ? ": " : "",
          message);
  fflush(stderr);
}

int report_status(lua_State *L, int status) {
  if (status != LUA_OK) {
    const char *message = lua_tostring(L, -1);
    report_message(message != NULL ? message : "(error message not a string)");
    lua_pop(L, 1);
  }
  return status;
}

void report_warning(const char *text, bool first, bool last) {
  fprintf(stderr, "%s%s%s", first ? "Lua warning: " : "", text, last ? "\n" : "");
  fflush(stderr);
}

void report_panic(const char *message) {
  fprintf(stderr, "PANIC: unprotected error in call to Lua API (%s)\n", message);
  fflush(stderr);
}

void report_bad_option(const char *option) {
  const char *form = "unrecognized option '%s'\n";
  if (option[1] == 'e' || option[1] == 'l')
    form = "'%s' needs argument\n";
  fprintf(stderr, "%s: ", name);
  fprintf(stderr, form, option);
  fprintf(stderr, usage, name);
  fflush(stderr);
}

static int finish_stdout(void) {
  return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

int report_help(void) {
  printf(usage, name);
  fputs(more_usage, stdout);
  return finish_stdout();
}

int report_lua_version(void) {
  puts(LUA_COPYRIGHT);
  return finish_stdout();
}

int report_version(void) {
  puts("mooncrew " MOONCREW_VERSION);
  puts(LUA_COPYRIGHT);
  return finish_stdout();
}
