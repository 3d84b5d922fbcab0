/* Ctrl-C.
 *
 *   SIGINT ── handler: noted (crew/interrupt.h), hook set, default action back
 *                │
 *                ├─ a wait of ours that the signal ended takes the note and raises, or
 *                ├─ the next step of Lua fires the hook, which takes the note and raises;
 *                │  either way the hook puts the handler back
 *                └─ a second SIGINT before that ends the process by default action
 *
 * The hook is set for calls, returns, lines and instructions, so whatever Lua does next
 * fires it. System calls are not restarted, so that sleeping C functions return.
 * lua_sethook is made to be called from a handler. Invariant: the handler is in place
 * only between arm and disarm, in the process that armed. */
#include "host/interrupt.h"

#include "crew/interrupt.h"

#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char text[] = "interrupted!";

static lua_State *volatile armed;     /* where SIGINT raises; NULL: no handler in place */
static pid_t owner;                   /* who armed; a forked child inherits the rest */
static volatile sig_atomic_t signals; /* has a SIGINT come at all? */

static void set_action(void (*action)(int)) {
  struct sigaction new_action = {.sa_handler = action};
  sigemptyset(&new_action.sa_mask);
  sigaction(SIGINT, &new_action, NULL);
}

static void handle_signal(int signal_number);

static void on_next_step(lua_State *L, lua_Debug *record) {
  (void)record;
  lua_sethook(L, NULL, 0, 0);
  if (owner != getpid())
    return; /* it was meant for the parent */
  if (armed != NULL)
    set_action(handle_signal);
  if (mc_interrupt_take())
    luaL_error(L, "%s", text);
}

static void handle_signal(int signal_number) {
  (void)signal_number;
  set_action(SIG_DFL);
  signals = 1;
  mc_interrupt();
  lua_sethook(armed, on_next_step,
              LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

void interrupt_arm(lua_State *L) {
  owner = getpid();
  armed = L;
  set_action(handle_signal);
}

void interrupt_disarm(void) {
  set_action(SIG_DFL);
  armed = NULL;
}

bool interrupt_drop(lua_State *L) {
  if (lua_gethook(L) == on_next_step)
    lua_sethook(L, NULL, 0, 0);
  return mc_interrupt_take();
}

bool interrupt_is_error(lua_State *L, int index) {
  if (!signals || lua_type(L, index) != LUA_TSTRING)
    return false;
  size_t length = 0, end = sizeof text - 1;
  const char *message = lua_tolstring(L, index, &length);
  return length >= end && strcmp(message + length - end, text) == 0;
}
