#include "bind/sleepers.h"

static struct bind_wait *first;

/* One heap of two, each a root without siblings or NULL. */
static struct bind_wait *meld(struct bind_wait *a, struct bind_wait *b) {
  if (!a || !b)
    return a ? a : b;
  if (b->deadline < a->deadline) {
    struct bind_wait *later = a;
    a = b;
    b = later;
  }
  b->next = a->child;
  if (b->next)
    b->next->previous = b;
  b->previous = a;
  a->child = b;
  return a;
}

static struct bind_wait *cut_off(struct bind_wait **list) {
  struct bind_wait *wait = *list;
  if (wait) {
    *list = wait->next;
    wait->next = wait->previous = NULL;
  }
  return wait;
}

/* One heap of a list of siblings: in pairs, then all of these, which keeps it shallow. */
static struct bind_wait *meld_all(struct bind_wait *list) {
  struct bind_wait *pairs = NULL, *heap = NULL;
  while (list) {
    struct bind_wait *a = cut_off(&list), *b = cut_off(&list);
    struct bind_wait *pair = meld(a, b);
    pair->next = pairs;
    pairs = pair;
  }
  while (pairs)
    heap = meld(cut_off(&pairs), heap);
  return heap;
}

void bind_sleepers_add(struct bind_wait *wait) {
  wait->child = wait->next = wait->previous = NULL;
  first = meld(wait, first);
}

void bind_sleepers_remove(struct bind_wait *wait) {
  struct bind_wait *children = meld_all(wait->child);
  if (wait == first) {
    first = children;
  } else {
    bind_wait_unlink(wait);
    first = meld(first, children);
  }
  wait->child = wait->next = wait->previous = NULL;
}

void bind_sleepers_forget(void) {
  struct bind_wait *list = first, *wait;
  first = NULL;
  while ((wait = list)) {
    struct bind_wait **end = &wait->child; /* the children go to the front of the list */
    while (*end)
      end = &(*end)->next;
    *end = wait->next;
    list = wait->child;
    wait->task = NULL;
    wait->child = wait->next = wait->previous = NULL;
  }
}

struct bind_wait *bind_sleepers_first(void) {
  return first;
}
