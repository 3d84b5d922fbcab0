/* Making a list, reading it, and its values in place. */
#include "share/list.h"

#include "base/error.h"
#include "share/list_layout.h"
#include "share/object_make.h"
#include "share/undo.h"

int mc_list_create(mc_ref *list) {
  mc_ref ref = mc_object_begin();
  if (ref == 0)
    return MC_NOMEM;
  mc_object_finish(ref, MC_KIND_LIST);
  *list = ref;
  return 0;
}

int mc_value_create(const struct mc_value *initial, mc_ref *value) {
  mc_ref ref = mc_object_begin();
  if (ref == 0)
    return MC_NOMEM;
  mc_object_finish(ref, MC_KIND_VALUE);
  int error = mc_list_append(ref, initial, 1);
  if (error)
    mc_object_drop(ref);
  *value = error ? 0 : ref;
  return error;
}

uint64_t mc_list_size(mc_ref ref) {
  struct mc_list *list = mc_at(ref);
  mc_lock(mc_list_lock(list));
  uint64_t size = list->size;
  mc_unlock(mc_list_lock(list));
  return size;
}

uint64_t mc_list_version(mc_ref ref) {
  struct mc_list *list = mc_at(ref);
  mc_lock(mc_list_lock(list));
  uint64_t version = list->writes;
  mc_unlock(mc_list_lock(list));
  return version;
}

int mc_list_copy(const struct mc_list *list, uint64_t i, struct mc_batch *batch) {
  const struct mc_cell *cell = mc_list_cell(list, i);
  if (cell->form < MC_BYTES)
    return mc_batch_add_number(batch, (unsigned)cell->form, cell->bits, 0);
  return mc_batch_add_node(batch, mc_block((mc_ref)cell->bits), false, SIZE_MAX);
}

int mc_list_get(mc_ref ref, uint64_t i, struct mc_batch *batch) {
  struct mc_list *list = mc_at(ref);
  mc_lock(mc_list_lock(list));
  bool found = i < list->size;
  int error = found ? mc_list_copy(list, i, batch) : 0;
  mc_unlock(mc_list_lock(list));
  return error ? error : found;
}

int64_t mc_list_slice(mc_ref ref, uint64_t i, uint64_t n, size_t most, uint64_t *version,
                      struct mc_batch *batch) {
  struct mc_list *list = mc_at(ref);
  size_t bytes = batch->bytes.length;
  int error = 0;
  uint64_t done = 0;
  mc_lock(mc_list_lock(list));
  *version = list->writes;
  uint64_t there = i < list->size ? list->size - i : 0;
  if (n > there)
    n = there;
  while (done < n && (done == 0 || batch->bytes.length - bytes <= most)) {
    error = mc_list_copy(list, i + done, batch);
    if (error)
      break;
    done++;
  }
  mc_unlock(mc_list_lock(list));
  return done ? (int64_t)done : error;
}

static bool equals(const struct mc_cell *cell, const struct mc_value *value) {
  if (cell->form >= MC_BYTES)
    return value->form >= MC_BYTES && mc_node_equals(mc_block((mc_ref)cell->bits), value);
  if (cell->form == MC_NOTHING)
    return value->form == MC_NOTHING;
  return mc_form_is_number(value->form) &&
         mc_numbers_equal((unsigned)cell->form, cell->bits, value);
}

uint64_t mc_list_seek(const struct mc_list *list, const struct mc_value *value,
                      uint64_t i) {
  while (i < list->size && !equals(mc_list_cell(list, i), value))
    i++;
  return i < list->size ? i : list->size;
}

int mc_list_find(mc_ref ref, const struct mc_value *value, uint64_t *i) {
  struct mc_list *list = mc_at(ref);
  mc_lock(mc_list_lock(list));
  *i = mc_list_seek(list, value, *i);
  bool found = *i < list->size;
  mc_unlock(mc_list_lock(list));
  return found;
}

uint64_t mc_list_count(mc_ref ref, const struct mc_value *value) {
  struct mc_list *list = mc_at(ref);
  uint64_t n = 0;
  mc_lock(mc_list_lock(list));
  for (uint64_t i = 0; i < list->size; i++)
    n += equals(mc_list_cell(list, i), value);
  mc_unlock(mc_list_lock(list));
  return n;
}

/* -- writing in place
 * -------------------------------------------------------------------------- */

/* The pending node of a value that needs one. */
static int prepare(const struct mc_value *value) {
  if (value->form < MC_BYTES)
    return 0;
  return mc_node_make(NULL, value, &mc_self->pending);
}

/* Under the lock: the prepared value takes the place of what is in the cell. */
static void put(struct mc_list *list, struct mc_cell *cell,
                const struct mc_value *value) {
  struct mc_slot *self = mc_self;
  bool node = value->form >= MC_BYTES;
  uint64_t bits = node                        ? self->pending
                  : value->form == MC_NOTHING ? 0
                                              : mc_value_bits(value);
  list->writes++;
  mc_order();
  if (cell->form == value->form && !node) {
    __atomic_store_n(&cell->bits, bits, __ATOMIC_RELEASE); /* the commit */
    mc_order();
    return;
  }
  mc_ref rest = node ? mc_block(self->pending)->link : self->pending;
  if (cell->form >= MC_BYTES) {
    mc_block((mc_ref)cell->bits)->link = rest;
    rest = (mc_ref)cell->bits;
  }
  mc_undo_begin(mc_list_lock(list));
  mc_set64(&cell->bits, bits);
  mc_set64(&cell->form, value->form);
  mc_set32(&self->pending, rest);
  mc_undo_commit();
}

/* Writes element i, or says that there is none: MC_RANGE. */
static int replace(struct mc_list *list, uint64_t i, const struct mc_value *value) {
  int error = prepare(value);
  if (error)
    return error;
  mc_lock(mc_list_lock(list));
  if (i < list->size)
    put(list, mc_list_cell(list, i), value);
  else
    error = MC_RANGE;
  mc_unlock(mc_list_lock(list));
  mc_tables_clean_up();
  return error;
}

int mc_list_set(mc_ref list, uint64_t i, const struct mc_value *value) {
  for (;;) {
    uint64_t size = mc_list_size(list);
    if (i > size)
      return MC_RANGE;
    int error =
        i < size ? replace(mc_at(list), i, value) : mc_list_append_at(list, i, value);
    /* The list may have become shorter or longer meanwhile. */
    if (error != MC_RANGE && error != MC_CHANGED)
      return error;
  }
}

int mc_list_increment(mc_ref ref, uint64_t i, const struct mc_value *by,
                      struct mc_value *result) {
  struct mc_list *list = mc_at(ref);
  int error = 0;
  mc_lock(mc_list_lock(list));
  if (i >= list->size) {
    error = MC_RANGE;
  } else {
    struct mc_cell *cell = mc_list_cell(list, i);
    if (!mc_form_is_number((unsigned)cell->form)) {
      error = MC_NOTNUMBER;
    } else {
      uint64_t bits = cell->bits;
      result->form = mc_number_add((unsigned)cell->form, &bits, by);
      memcpy(&result->integer, &bits, sizeof(bits));
      put(list, cell, result);
    }
  }
  mc_unlock(mc_list_lock(list));
  return error;
}

int mc_list_compare_set(mc_ref ref, uint64_t i, const struct mc_value *old,
                        const struct mc_value *value) {
  struct mc_list *list = mc_at(ref);
  int rc = prepare(value);
  if (rc)
    return rc;
  mc_lock(mc_list_lock(list));
  if (i >= list->size) {
    rc = MC_RANGE;
  } else if (equals(mc_list_cell(list, i), old)) {
    put(list, mc_list_cell(list, i), value);
    rc = 1;
  }
  mc_unlock(mc_list_lock(list));
  mc_tables_clean_up();
  return rc;
}
