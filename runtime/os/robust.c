#include "os/robust.h"

#include <sys/syscall.h>
#include <unistd.h>

_Thread_local struct mc_robust_thread mc_robust_thread
    __attribute__((tls_model("initial-exec")));

/* For threads that have no list: children of a raw clone. glibc's head has a link in
 * front that points back, which mc_robust_link writes through. */
static _Thread_local struct {
  void *back;
  struct robust_list_head head;
} own;

#define WORD_FROM_LINK                                                                   \
  ((long)offsetof(struct mc_robust, word) - (long)offsetof(struct mc_robust, next))

static bool holds(const struct robust_list_head *head, const struct mc_robust *node) {
  const struct robust_list *at = head->list.next;
  for (int i = 0; at != &head->list && i < 4096; i++) {
    if ((const void *)at == (const void *)&node->next)
      return true;
    at = (const struct robust_list *)((uintptr_t)at->next & ~(uintptr_t)1);
  }
  return false;
}

void mc_robust_attach(const struct mc_robust *stale) {
  struct robust_list_head *head = NULL;
  size_t size = 0;
  syscall(SYS_get_robust_list, 0, &head, &size);
  if (head == NULL || head->futex_offset != WORD_FROM_LINK) {
    own.head = (struct robust_list_head){.list = {&own.head.list},
                                         .futex_offset = WORD_FROM_LINK};
    head = &own.head;
    syscall(SYS_set_robust_list, head, sizeof(*head));
  }
  /* glibc empties the list in the child of fork(); a raw clone leaves the parent's nodes.
   */
  if (stale != NULL && holds(head, stale)) {
    head->list.next = &head->list;
    head->list_op_pending = NULL;
  }
  mc_robust_thread.list = head;
  mc_robust_thread.tid = (uint32_t)syscall(SYS_gettid);
}
