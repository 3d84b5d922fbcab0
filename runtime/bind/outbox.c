#include "bind/outbox.h"

#define MUCH ((size_t)64 << 10) /* bytes: more are not kept back */

bool bind_outbox_add(struct bind_outbox *box, const struct mc_task_head *head,
                     const struct wire_bytes *function,
                     const struct wire_bytes *arguments) {
  struct bind_outgoing *task = &box->tasks[box->n];
  size_t at = box->bytes.length, ref_bytes = box->refs.length;
  bool fits =
      mc_buffer_append(&box->bytes, head, sizeof *head) &&
      mc_buffer_append(&box->bytes, function->bytes, function->length) &&
      mc_buffer_append(&box->bytes, arguments->bytes, arguments->length) &&
      mc_buffer_append(&box->refs, function->refs, function->n_refs * sizeof(mc_ref)) &&
      mc_buffer_append(&box->refs, arguments->refs, arguments->n_refs * sizeof(mc_ref));
  if (!fits) {
    box->bytes.length = at;
    box->refs.length = ref_bytes;
    return false;
  }
  *task = (struct bind_outgoing){head->id, at, box->bytes.length - at,
                                 ref_bytes / sizeof(mc_ref),
                                 function->n_refs + arguments->n_refs};
  box->n++;
  return true;
}

bool bind_outbox_is_full(const struct bind_outbox *box) {
  return box->n == BIND_OUTBOX || box->bytes.length > MUCH;
}

int bind_outbox_put(const struct bind_outbox *box, unsigned i, mc_ref queue) {
  struct mc_message messages[BIND_OUTBOX];
  const mc_ref *refs = (const mc_ref *)box->refs.data;
  for (unsigned k = i; k < box->n; k++) {
    const struct bind_outgoing *task = &box->tasks[k];
    messages[k] =
        (struct mc_message){.bytes = (const char *)box->bytes.data + task->at,
                            .length = task->length,
                            .handles = task->n_refs ? refs + task->first_ref : NULL,
                            .n_handles = task->n_refs};
  }
  int done = mc_queue_try_put(queue, messages + i, box->n - i);
  /* The trouble may be with another one than the first. */
  return done < 0 && box->n - i > 1 ? mc_queue_try_put(queue, messages + i, 1) : done;
}

void bind_outbox_clear(struct bind_outbox *box) {
  box->n = 0;
  box->bytes.length = box->refs.length = 0;
}

void bind_outbox_free(struct bind_outbox *box) {
  mc_buffer_free(&box->bytes);
  mc_buffer_free(&box->refs);
}
