/* Copies of values. Holds on their handles are taken while the lock is held under which
 * the node lives, so that none can die between the copy and its use. */
#include "base/error.h"
#include "share/node.h"
#include "share/object.h"

#include <errno.h>

/* Lets go of the handles from number `from` on. */
static void drop_handles(struct mc_batch *batch, size_t from) {
  size_t n = batch->handles.length / sizeof(mc_ref);
  while (n > from) {
    mc_ref handle = ((const mc_ref *)batch->handles.data)[--n];
    batch->handles.length = n * sizeof(mc_ref);
    mc_object_drop(handle);
  }
}

void mc_batch_empty(struct mc_batch *batch) {
  batch->items.length = batch->bytes.length = 0;
  if (__builtin_expect(batch->handles.length != 0, 0))
    drop_handles(batch, 0);
}

void mc_batch_free(struct mc_batch *batch) {
  mc_batch_empty(batch);
  mc_buffer_free(&batch->bytes);
  mc_buffer_free(&batch->handles);
  mc_buffer_free(&batch->items);
}

static struct mc_item *new_item(struct mc_batch *batch) {
  if (!mc_buffer_reserve(&batch->items, sizeof(struct mc_item)))
    return NULL;
  struct mc_item *item = (struct mc_item *)(batch->items.data + batch->items.length);
  batch->items.length += sizeof(struct mc_item);
  memset(item, 0, sizeof(*item));
  return item;
}

int mc_batch_add_number(struct mc_batch *batch, unsigned form, uint64_t bits,
                        uint64_t version) {
  struct mc_item *item = new_item(batch);
  if (item == NULL)
    return -ENOMEM;
  item->form = form;
  item->integer = (int64_t)bits;
  item->version = version;
  return 0;
}

static int hold_all(struct mc_batch *batch, const mc_ref *handles, uint32_t n) {
  size_t before = batch->handles.length / sizeof(mc_ref);
  if (!mc_buffer_reserve(&batch->handles, n * sizeof(mc_ref)))
    return -ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    int error = mc_object_hold(handles[i]);
    if (error) {
      drop_handles(batch, before);
      return error;
    }
    mc_buffer_append(&batch->handles, &handles[i], sizeof(mc_ref));
  }
  return 0;
}

static int add_value(struct mc_batch *batch, struct mc_block *node,
                     struct mc_item *item) {
  item->at = batch->bytes.length;
  item->length = mc_node_length(node);
  if (!mc_buffer_append(&batch->bytes, mc_node_bytes(node), item->length))
    return -ENOMEM;
  if (node->n_handles == 0)
    return 0;
  item->handles_at = batch->handles.length / sizeof(mc_ref);
  item->n_handles = node->n_handles;
  return hold_all(batch, mc_message_handles(node), node->n_handles);
}

int mc_batch_add_node(struct mc_batch *batch, struct mc_block *node, bool with_key,
                      size_t most) {
  size_t bytes_before = batch->bytes.length;
  int error = mc_batch_add_number(batch, MC_NODE_FORM(node), 0, node->sequence);
  if (error)
    return error;
  size_t last = batch->items.length - sizeof(struct mc_item);
  struct mc_item *item = (struct mc_item *)(batch->items.data + last);
  if (with_key) {
    item->key_at = batch->bytes.length;
    item->key_length = node->queue;
    item->key_kind = MC_NODE_KIND(node);
    if (!mc_buffer_append(&batch->bytes, mc_node_key(node), node->queue))
      error = -ENOMEM;
  }
  if (mc_form_is_number(item->form))
    item->integer = (int64_t)*mc_node_number(node);
  else if (most != SIZE_MAX && (node->n_handles || mc_node_length(node) > most))
    item->form = MC_ASK;
  else if (!error)
    error = add_value(batch, node, item);
  if (error) {
    batch->items.length = last;
    batch->bytes.length = bytes_before;
  }
  return error;
}
