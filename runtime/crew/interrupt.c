#include "crew/interrupt.h"

#include "crew/loop.h"
#include "share/wait.h"

#include <signal.h>

static volatile sig_atomic_t pending;

void mc_interrupt(void) {
  pending = 1;
  mc_wait_interrupt();
  mc_loop_interrupt();
}

bool mc_interrupt_take(void) {
  bool was = pending;
  pending = 0;
  return was;
}
