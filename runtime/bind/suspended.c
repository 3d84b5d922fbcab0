#include "bind/suspended.h"

#include <stdint.h>

#define SLOTS 256

static struct bind_wait *leaders;
static struct bind_wait
    *known[SLOTS]; /* where a leader is looked for; NULL or a leader */

/* With a deadline a wait may be over before those that are like it. */
static bool may_follow(const struct bind_wait *wait) {
  return wait->alike && wait->deadline == MC_FOREVER && wait->n_watch <= 1 &&
         !wait->n_others;
}

static bool is_like(const struct bind_wait *a, const struct bind_wait *b) {
  return a->ready == b->ready && a->data == b->data && a->looks == b->looks &&
         a->n_watch == b->n_watch && a->watch[0].object == b->watch[0].object &&
         a->watch[0].want == b->watch[0].want;
}

static unsigned slot_of(const struct bind_wait *wait) {
  uintptr_t bits = (uintptr_t)wait->data >> 4;
  return (unsigned)((bits ^ bits >> 8 ^ wait->looks) % SLOTS);
}

static void follow(struct bind_wait *wait, struct bind_wait *leader) {
  wait->follows = true;
  wait->previous = leader;
  wait->next = leader->child;
  if (wait->next)
    wait->next->previous = wait;
  leader->child = wait;
}

void bind_suspended_add(struct bind_wait *wait) {
  wait->child = NULL;
  wait->follows = false;
  wait->slot = -1;
  if (may_follow(wait)) {
    unsigned slot = slot_of(wait);
    if (known[slot] && is_like(known[slot], wait)) {
      follow(wait, known[slot]);
      return;
    }
    if (known[slot])
      known[slot]->slot = -1;
    known[slot] = wait;
    wait->slot = (int)slot;
  }
  wait->previous = NULL;
  wait->next = leaders;
  if (leaders)
    leaders->previous = wait;
  leaders = wait;
}

/* Puts `heir`, or nobody when it is NULL, in a leader's place. */
static void replace(struct bind_wait *leader, struct bind_wait *heir) {
  if (leader->slot >= 0)
    known[leader->slot] = heir;
  struct bind_wait *after = heir ? heir : leader->next;
  if (leader->previous)
    leader->previous->next = after;
  else
    leaders = after;
  if (leader->next)
    leader->next->previous = heir ? heir : leader->previous;
  if (!heir)
    return;
  heir->follows = false;
  heir->slot = leader->slot;
  heir->child = heir->next;
  if (heir->child)
    heir->child->previous = heir;
  heir->next = leader->next;
  heir->previous = leader->previous;
}

void bind_suspended_remove(struct bind_wait *wait) {
  if (wait->follows)
    bind_wait_unlink(wait);
  else
    replace(wait, wait->child);
  wait->child = wait->next = wait->previous = NULL;
  wait->follows = false;
}

void bind_suspended_forget(void) {
  while (leaders) {
    leaders->task = NULL;
    bind_suspended_remove(leaders);
  }
}

struct bind_wait *bind_suspended_first(void) {
  return leaders;
}
