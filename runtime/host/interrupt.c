/* Ctrl-C and SIGTERM.
 *
 *   signal ── handler: noted (crew/interrupt.h), hook set, default action back
 *                │
 *                ├─ a wait of ours that the signal ended takes the note and raises, or
 *                ├─ the next step of Lua fires the hook, which takes the note and raises,
 *                │  unless interrupts are held just then: a step behind that does;
 *                │  either way the hook puts the handler back, that of SIGINT alone
 *                └─ a second signal before that ends the process by default action
 *
 * The hook is set for calls, returns, lines and instructions, so whatever Lua does next
 * fires it. System calls are not restarted, so that sleeping C functions return.
 * lua_sethook is made to be called from a handler. Invariant: a handler is in place only
 * between arm and disarm, in the process that armed. SIGTERM is meant to end the process,
 * so it is caught once: whoever sends it again is not asked to wait. */
#include "host/interrupt.h"

#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static lua_State *volatile armed; /* where a signal raises; NULL: no handler in place */
static pid_t owner;               /* who armed; a forked child inherits the rest */
static volatile sig_atomic_t signals; /* has one come at all? */
static volatile sig_atomic_t terms;   /* has a SIGTERM come? */

static void set_action(int number, void (*action)(int)) {
  struct sigaction new_action = {.sa_handler = action};
  sigemptyset(&new_action.sa_mask);
  sigaction(number, &new_action, NULL);
}

static bool has_action(int number, void (*action)(int)) {
  struct sigaction now;
  return sigaction(number, NULL, &now) == 0 && now.sa_handler == action;
}

static void handle_signal(int number);

static void on_next_step(lua_State *L, lua_Debug *record) {
  (void)record;
  if (mc_interrupt_is_held())
    return; /* one of the steps to come will do */
  lua_sethook(L, NULL, 0, 0);
  if (owner != getpid())
    return; /* it was meant for the parent */
  if (armed != NULL)
    set_action(SIGINT, handle_signal);
  enum mc_interruption what = mc_interrupt_take();
  if (what)
    luaL_error(L, "%s", mc_interrupt_text(what));
}

static void handle_signal(int number) {
  set_action(number, SIG_DFL);
  if (mc_interrupt_is_deadly()) {
    raise(number); /* it comes when the handler returns */
    return;
  }
  signals = 1;
  if (number == SIGTERM)
    terms = 1;
  mc_interrupt(number == SIGTERM ? MC_TERMINATION : MC_CTRL_C);
  lua_sethook(armed, on_next_step,
              LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

void interrupt_arm(lua_State *L, bool sigterm) {
  owner = getpid();
  armed = L;
  set_action(SIGINT, handle_signal);
  if (sigterm && !terms && has_action(SIGTERM, SIG_DFL))
    set_action(SIGTERM, handle_signal);
}

void interrupt_disarm(void) {
  set_action(SIGINT, SIG_DFL);
  if (has_action(SIGTERM, handle_signal))
    set_action(SIGTERM, SIG_DFL);
  armed = NULL;
}

enum mc_interruption interrupt_drop(lua_State *L) {
  if (lua_gethook(L) == on_next_step)
    lua_sethook(L, NULL, 0, 0);
  return mc_interrupt_take();
}

enum mc_interruption interrupt_of_error(lua_State *L, int index) {
  if (!signals || lua_type(L, index) != LUA_TSTRING)
    return MC_NO_INTERRUPTION;
  size_t length = 0;
  const char *message = lua_tolstring(L, index, &length);
  return mc_interrupt_of(message, length);
}
