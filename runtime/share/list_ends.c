/* Both ends of a list. New elements are written into cells that belong to nobody yet; the
 * commit is what makes the list longer. */
#include "base/error.h"
#include "share/list.h"
#include "share/list_layout.h"
#include "share/undo.h"

#define ANY UINT64_MAX

/* Nodes for all values that need one, pending in their order. */
static int prepare_all(const struct mc_value *values, size_t n) {
  mc_ref *link = &mc_self->pending;
  for (size_t i = 0; i < n; i++) {
    if (values[i].form < MC_BYTES)
      continue;
    int error = mc_node_make(NULL, &values[i], link);
    if (error)
      return error;
    link = &mc_block(*link)->link;
  }
  return 0;
}

/* Writes a value into a cell; *node is the next pending node. */
static void write_cell(struct mc_cell *cell, const struct mc_value *value, mc_ref *node) {
  cell->form = value->form;
  if (value->form >= MC_BYTES) {
    cell->bits = *node;
    *node = mc_block(*node)->link;
  } else {
    cell->bits = value->form == MC_NOTHING ? 0 : mc_value_bits(value);
  }
}

/* `size` is what the list's must be, or ANY. */
static int append(struct mc_list *list, uint64_t size, const struct mc_value *values,
                  size_t n) {
  int error = prepare_all(values, n);
  if (!error && n) {
    mc_lock(mc_list_lock(list));
    if (size != ANY && size != list->size)
      error = MC_CHANGED;
    else
      error = mc_list_reserve(list, n, false);
    if (!error) {
      mc_ref node = mc_self->pending;
      for (size_t i = 0; i < n; i++)
        write_cell(mc_list_cell(list, list->size + i), &values[i], &node);
      list->writes++;
      mc_undo_begin(mc_list_lock(list));
      mc_set64(&list->size, list->size + n);
      mc_set32(&mc_self->pending, node);
      mc_undo_commit();
    }
    mc_unlock(mc_list_lock(list));
  }
  mc_tables_clean_up();
  return error;
}

int mc_list_append(mc_ref list, const struct mc_value *values, size_t n) {
  return append(mc_at(list), ANY, values, n);
}

int mc_list_append_at(mc_ref list, uint64_t size, const struct mc_value *value) {
  return append(mc_at(list), size, value, 1);
}

int mc_list_append_left(mc_ref ref, const struct mc_value *value) {
  struct mc_list *list = mc_at(ref);
  int error = prepare_all(value, 1);
  if (!error) {
    mc_lock(mc_list_lock(list));
    error = mc_list_reserve(list, 1, true);
    if (!error) {
      mc_ref node = mc_self->pending;
      uint64_t first = list->first ? list->first - 1 : list->capacity - 1;
      write_cell(mc_list_cell_at(list, first), value, &node);
      list->writes++;
      mc_undo_begin(mc_list_lock(list));
      mc_set64(&list->first, first);
      mc_set64(&list->size, list->size + 1);
      mc_set32(&mc_self->pending, node);
      mc_undo_commit();
    }
    mc_unlock(mc_list_lock(list));
  }
  mc_tables_clean_up();
  return error;
}

/* The chunk that holds nothing once the element at that place is gone; NULL: none. */
static mc_ref *emptied_chunk(const struct mc_list *list, uint64_t at, bool left) {
  if (list->chunks == 0 || list->size == 1)
    return NULL;
  if (at % MC_CHUNK != (left ? MC_CHUNK - 1 : 0))
    return NULL;
  return mc_list_chunk(list, at);
}

void mc_list_drop_end(struct mc_list *list, bool left) {
  struct mc_slot *self = mc_self;
  uint64_t at = mc_list_place(list, left ? 0 : list->size - 1);
  const struct mc_cell *cell = mc_list_cell_at(list, at);
  mc_ref *chunk = emptied_chunk(list, at, left);
  mc_ref gone = self->pending;
  if (chunk) {
    mc_block(*chunk)->link = gone;
    gone = *chunk;
  }
  if (cell->form >= MC_BYTES) {
    mc_block((mc_ref)cell->bits)->link = gone;
    gone = (mc_ref)cell->bits;
  }
  list->writes++;
  mc_undo_begin(mc_list_lock(list));
  if (chunk)
    mc_set32(chunk, 0);
  if (left)
    mc_set64(&list->first, at + 1 == list->capacity ? 0 : at + 1);
  mc_set64(&list->size, list->size - 1);
  mc_set32(&self->pending, gone);
  mc_undo_commit();
  mc_list_shrink(list);
}

static int pop(struct mc_list *list, bool left, struct mc_batch *batch) {
  mc_lock(mc_list_lock(list));
  int rc = list->size != 0;
  int error = rc ? mc_list_copy(list, left ? 0 : list->size - 1, batch) : 0;
  if (rc && !error)
    mc_list_drop_end(list, left);
  mc_unlock(mc_list_lock(list));
  mc_tables_clean_up();
  return error ? error : rc;
}

int mc_list_pop(mc_ref list, struct mc_batch *batch) {
  return pop(mc_at(list), false, batch);
}

int mc_list_pop_left(mc_ref list, struct mc_batch *batch) {
  return pop(mc_at(list), true, batch);
}
