/* The command `mooncrew`: lua 5.4's standalone interpreter with the module at hand.
 *
 *   argv ─ options ─ state, libraries, arg ─ LUA_INIT ─ -e -l -W in turn ─ script ─
 * prompt or stdin │ bind_finish: tasks and processes of the main chunk
 *
 * Whatever runs Lua is below one pcall; each step reports its own errors and says whether
 * to go on. Exit status: 0, 1 for an error, 2 for bad usage, 130 for a Ctrl-C that nobody
 * caught, 143 for a SIGTERM. */
#include "bind/open.h"
#include "bind/screen.h"
#include "crew/child.h"
#include "host/chunk.h"
#include "host/helper.h"
#include "host/installed.h"
#include "host/options.h"
#include "host/prompt.h"
#include "host/report.h"
#include "host/script.h"
#include "host/state.h"
#include "host/streams.h"

#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <lualib.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum exit_status {
  EXIT_USAGE = 2,
  EXIT_INTERRUPTED = 128 + 2, /* what a shell reports for SIGINT */
  EXIT_TERMINATED = 128 + 15, /* and for SIGTERM */
};

struct command {
  int argc;
  char **argv;
  struct options options;
  const char
      *installed; /* the path of the installed script that was asked for, or NULL */
};

static bool run_init(lua_State *L) {
  const char *name = "=LUA_INIT_5_4";
  const char *init = getenv(name + 1);
  if (init == NULL) {
    name = "=LUA_INIT";
    init = getenv(name + 1);
  }
  if (init == NULL)
    return true;
  if (init[0] == '@')
    return chunk_do_file(L, init + 1) == LUA_OK;
  return chunk_do_string(L, init, name) == LUA_OK;
}

/* -l: `mod`, or `global=mod`. */
static bool require_module(lua_State *L, const char *word) {
  const char *equals = strchr(word, '=');
  lua_getglobal(L, "require");
  lua_pushstring(L, equals != NULL ? equals + 1 : word);
  int status = chunk_call(L, 1, 1);
  if (status == LUA_OK) {
    lua_pushlstring(L, word, equals != NULL ? (size_t)(equals - word) : strlen(word));
    lua_insert(L, -2);
    lua_pushglobaltable(L);
    lua_insert(L, -3);
    lua_settable(L, -3);
    lua_pop(L, 1);
  }
  return report_status(L, status) == LUA_OK;
}

/* -e, -l and -W, in the order in which they were given. */
static bool run_options(lua_State *L, char *const argv[], int end) {
  for (int i = 1; i < end; i++) {
    char letter = argv[i][1];
    if (letter == 'W')
      lua_warning(L, "@on", 0);
    if (letter != 'e' && letter != 'l')
      continue;
    const char *word = argv[i][2] != '\0' ? argv[i] + 2 : argv[++i];
    bool ok = letter == 'l' ? require_module(L, word)
                            : chunk_do_string(L, word, "=(command line)") == LUA_OK;
    if (!ok)
      return false;
  }
  return true;
}

/* Calls itself until the state is so many calls deep. Fewer than the stack that it begins
 * with has room for, so that it is not made anew in between. */
static int go_deep(lua_State *L) {
  lua_Debug frame;
  if (!lua_getstack(L, 12, &frame)) {
    lua_pushcfunction(L, go_deep);
    lua_call(L, 0, 0);
  }
  return 0;
}

/* The state's stack and the records of its first calls lie side by side when they are
 * made before anything else. Each fork makes parent and child copy the pages that they
 * write to, and these are always among them. */
static void make_stack(lua_State *L) {
  lua_pushcfunction(L, go_deep);
  lua_call(L, 0, 0);
  luaL_checkstack(L, 150, NULL);
}

static void open_state(lua_State *L, const struct command *command) {
  const struct options *options = &command->options;
  luaL_checkversion(L);
  make_stack(L);
  if (options->ignore_env) {
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV"); /* the libraries look there */
  }
  luaL_openlibs(L);
  bind_preload(L);
  script_set_arg(L, command->argv, command->argc, options->script);
  lua_gc(L, LUA_GCGEN, 0, 0);
}

/* The prompt, or stdin as a script when it is no terminal. Without anything else to do, a
 * failure of stdin's chunk is the command's. */
static bool run_stdin(lua_State *L) {
  if (!isatty(STDIN_FILENO))
    return chunk_do_file(L, NULL) == LUA_OK;
  report_lua_version();
  prompt_run(L);
  return true;
}

/* What is typed at a prompt is no line of the program's: it can't go above bars. */
static bool may_prompt(const struct command *command) {
  const struct options *options = &command->options;
  bool has_work = options->script < command->argc || options->has_statements;
  return options->interactive || (!has_work && isatty(STDIN_FILENO));
}

/* The whole run below pcall: (command) → did all go well? */
static int run_command(lua_State *L) {
  const struct command *command = lua_touserdata(L, 1);
  const struct options *options = &command->options;
  bool has_script = options->script < command->argc;
  if (options->version)
    report_lua_version();
  open_state(L, command);
  if (!may_prompt(command))
    bind_screen_mine();
  bool ok = (options->ignore_env || run_init(L)) &&
            run_options(L, command->argv, options->script) &&
            (!has_script ||
             script_run(L, command->argv, options->script, command->installed) == LUA_OK);
  if (ok && options->interactive)
    prompt_run(L);
  else if (ok && !has_script && !options->has_statements && !options->version)
    ok = run_stdin(L);
  lua_pushboolean(L, ok);
  return 1;
}

static int call_finish(lua_State *L, bool abandon) {
  lua_settop(L, 0);
  lua_pushcfunction(L, bind_finish);
  lua_pushboolean(L, abandon);
  /* Those who are abandoned are ended for a signal, or an error; a signal is not caught
   * then: it ends the command, and they go with it. */
  return abandon ? lua_pcall(L, 1, 0, 0) : chunk_call(L, 1, 0);
}

/* Waits for the tasks and processes that the main chunk left running; after a Ctrl-C, or
 * when the waiting fails, ends them. */
static bool finish(lua_State *L) {
  bool ok = !chunk_interruption() && report_status(L, call_finish(L, false)) == LUA_OK;
  if (!ok)
    call_finish(L, true);
  chunk_end(L); /* a child that the same Ctrl-C ended may have ended the wait first */
  return ok;
}

static int run(struct command *command) {
  lua_State *L = state_open();
  if (L == NULL) {
    report_message("cannot create state: not enough memory");
    return EXIT_FAILURE;
  }
  lua_pushcfunction(L, run_command);
  lua_pushlightuserdata(L, command);
  int status = report_status(L, lua_pcall(L, 1, 1, 0));
  bool ok = status == LUA_OK && lua_toboolean(L, -1);
  ok = finish(L) && ok;
  state_close(L);
  if (chunk_interruption())
    return chunk_interruption() == MC_TERMINATION ? EXIT_TERMINATED : EXIT_INTERRUPTED;
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
  if (argc < 1)
    return EXIT_USAGE;
  streams_hold();
  /* The heap grows by more than a page at a time: a script that reads much would spend
   * its time in brk. Setting one of these ends glibc's own adjusting of the others, and
   * each string of a megabyte would be mapped and faulted in anew: so they are where that
   * adjusting would end. */
  mallopt(M_TOP_PAD, 1 << 20);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  /* Freed blocks are merged at once. Put off, the merging falls to the first large
   * request, which in a child means pages all over the heap to be copied. Lua's small
   * blocks are not of malloc: see state.c. */
  mallopt(M_MXFAST, 0);
  mc_child_signals_mine();
  if (argv[0][0] != '\0')
    report_set_name(argv[0]);
  struct command command = {argc, argv, options_read(argv), NULL};
  int script = command.options.script;
  switch (command.options.wish) {
  case OPTIONS_HELP:
    return report_help() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  case OPTIONS_VERSION:
    return report_version() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  case OPTIONS_HELPER:
    if (helper_wanted())
      return helper_run() ? EXIT_SUCCESS : EXIT_FAILURE;
    report_bad_option(argv[script]);
    return EXIT_USAGE;
  case OPTIONS_BAD:
    report_bad_option(argv[script]);
    return EXIT_USAGE;
  case OPTIONS_RUN:
    break;
  }
  /* Past a limit (ulimit -f) writing fails with EFBIG, and does not end who writes. */
  signal(SIGXFSZ, SIG_IGN);
  char path[PATH_MAX];
  if (script < argc && installed_is_name(argv[script]) &&
      installed_find(argv[script], command.options.ignore_env, path, sizeof path)) {
    argv[script] = path;
    command.installed = path;
  }
  return run(&command);
}
