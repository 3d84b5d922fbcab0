/* Waiting in an event loop: the member's bits are set, its bell is a descriptor. */
#include "os/bell.h"
#include "share/local.h"
#include "share/object.h"
#include "share/sleep.h"
#include "share/wake.h"

int mc_bell_fd(void) {
  if (mc_local->bell < 0) {
    int fd = mc_bell_open(mc_space->id, mc_bell_number(mc_self));
    if (fd < 0)
      return fd;
    mc_local->bell = fd;
  }
  return mc_local->bell;
}

int mc_bells_open(void) {
  int bell = mc_bell_fd();
  return bell < 0 ? bell : mc_bell_open_sender(&mc_local->sender);
}

static void drop(const struct mc_wait_for *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (list[i].object)
      mc_object_drop(list[i].object);
}

/* Callbacks of the loop may let go of what is waited for, whose masks are looked at once
 * more. */
static bool hold(const struct mc_wait_for *list, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!list[i].object || mc_object_hold(list[i].object) == 0)
      continue;
    drop(list, i);
    return false;
  }
  return true;
}

bool mc_bell_arm(const struct mc_wait_for *list, size_t n) {
  struct mc_local *local = mc_local;
  if (local->armed)
    mc_bell_disarm(local->armed_for, local->n_armed_for);
  mc_bell_settle();
  if (mc_anything_new(list, n) || !hold(list, n)) {
    mc_bell_note();
    return false;
  }
  local->armed = true;
  local->armed_for = list;
  local->n_armed_for = n;
  mc_bits_set(list, n, 0);
  mc_bell_sleep(MC_SLEEPS_IN_LOOP);
  if (!mc_anything_new(list, n))
    return true;
  mc_bell_disarm(list, n);
  return false;
}

void mc_bell_disarm(const struct mc_wait_for *list, size_t n) {
  if (!mc_local->armed)
    return;
  mc_local->armed = false;
  __atomic_store_n(&mc_self->asleep, MC_AWAKE, __ATOMIC_SEQ_CST);
  mc_awake_count(mc_self, true);
  mc_bits_clear(list, n, 0, MC_OWES);
  drop(list, n);
  if (mc_local->bell >= 0)
    mc_bell_drain(mc_local->bell);
  mc_bell_note();
}

void mc_bell_settle(void) {
  if (mc_local->n_owed)
    mc_owed_pass_on();
}

void mc_bell_forget(void) {
  struct mc_local *local = mc_local;
  if (local->armed)
    drop(local->armed_for, local->n_armed_for);
  local->armed = false;
}
