#include "crew/interrupt.h"

#include "crew/loop.h"
#include "share/wait.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t pending; /* an enum mc_interruption */
static volatile sig_atomic_t deadly;
static bool held;

void mc_interrupt(enum mc_interruption what) {
  pending = what;
  mc_wait_interrupt();
  mc_loop_interrupt();
}

enum mc_interruption mc_interrupt_take(void) {
  enum mc_interruption was = (enum mc_interruption)pending;
  pending = MC_NO_INTERRUPTION;
  return was;
}

const char *mc_interrupt_text(enum mc_interruption what) {
  return what == MC_TERMINATION ? "terminated!" : "interrupted!";
}

enum mc_interruption mc_interrupt_of(const char *message, size_t length) {
  static const enum mc_interruption all[] = {MC_CTRL_C, MC_TERMINATION};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char *text = mc_interrupt_text(all[i]);
    size_t end = strlen(text);
    if (length >= end && strcmp(message + length - end, text) == 0)
      return all[i];
  }
  return MC_NO_INTERRUPTION;
}

bool mc_interrupt_hold(bool hold) {
  bool was = held;
  held = hold;
  return was;
}

bool mc_interrupt_is_held(void) {
  return held;
}

void mc_interrupt_set_deadly(bool now) {
  deadly = now;
}

bool mc_interrupt_is_deadly(void) {
  return deadly;
}
