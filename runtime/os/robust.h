/* The kernel's robust list of this thread: locks on it are marked when the thread dies.
 *
 *   head.list.next ──► lock C ──► lock B ──► life lock ──► head       (newest first)
 *
 * A node has the layout of glibc's pthread_mutex_t, because the kernel knows only one
 * distance between link and lock word for the whole list, and the list is glibc's own:
 * robust pthread mutexes of the same thread sit on it beside ours.
 *
 * Invariant: from before the lock word is taken until after the node is linked, and from
 * before it is unlinked until after the word is released, `list_op_pending` names the
 * node; so there is no instruction at which a death goes unnoticed. */
#ifndef MC_OS_ROBUST_H
#define MC_OS_ROBUST_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mc_robust {
  uint32_t word;  /* the futex: 0, or the holder's thread id with MC_FUTEX_ flags */
  uint32_t owner; /* for the user of the lock: who is inside */
  uint32_t kind;  /* for the user of the lock */
  uint32_t object;
  uint64_t unused;
  void *previous; /* address of the link that points here */
  void *next;     /* address of the next node's `next` */
};

_Static_assert(offsetof(struct mc_robust, previous) == 24, "as in pthread_mutex_t");
_Static_assert(offsetof(struct mc_robust, next) == 32, "as in pthread_mutex_t");

/* The calling thread's list and thread id: kept here so that the hot path makes no call.
 */
struct mc_robust_thread {
  struct robust_list_head *list;
  uint32_t tid;
};

extern _Thread_local struct mc_robust_thread mc_robust_thread
    __attribute__((tls_model("initial-exec")));

/* Finds the calling thread's list. To be called once in each thread and in each forked
 * child; a list that still holds nodes of the parent (`stale`, may be NULL) is emptied.
 */
void mc_robust_attach(const struct mc_robust *stale);

/* Names the node that is about to be taken or released; NULL afterwards. */
static inline void mc_robust_pending(struct mc_robust *node) {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  *(struct robust_list *volatile *)&mc_robust_thread.list->list_op_pending =
      node ? (struct robust_list *)&node->next : NULL;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Links a taken node in front. */
static inline void mc_robust_link(struct mc_robust *node) {
  struct robust_list_head *head = mc_robust_thread.list;
  /* glibc marks priority-inheriting mutexes in the lowest bit. */
  void **first = (void **)((uintptr_t)head->list.next & ~(uintptr_t)1);
  first[-1] = &node->next;
  node->next = head->list.next;
  node->previous = &head->list;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  *(struct robust_list *volatile *)&head->list.next = (struct robust_list *)&node->next;
}

static inline void mc_robust_unlink(struct mc_robust *node) {
  void **next = (void **)((uintptr_t)node->next & ~(uintptr_t)1);
  next[-1] = node->previous;
  void **previous = (void **)((uintptr_t)node->previous & ~(uintptr_t)1);
  *(void *volatile *)previous = node->next;
  node->next = node->previous = NULL;
}

#endif
