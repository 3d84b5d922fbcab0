/* What changes the middle of a list, or its order: a new ring of cells is made privately
 * and takes the old one's place in one transaction. */
#include "base/error.h"
#include "share/list.h"
#include "share/list_layout.h"
#include "share/undo.h"

/* Which cell of the list becomes cell i of the new ring. */
struct plan {
  const struct mc_list *list;
  uint64_t size;         /* of the new ring */
  uint64_t at;           /* insert or take out here */
  const uint64_t *order; /* or the order */
  struct mc_cell cell;   /* what is inserted */
  enum { INSERT, TAKE_OUT, REVERSE, ORDER } kind;
};

static struct mc_cell choose(const struct plan *plan, uint64_t i) {
  switch (plan->kind) {
  case INSERT:
    if (i == plan->at)
      return plan->cell;
    return *mc_list_cell(plan->list, i < plan->at ? i : i - 1);
  case TAKE_OUT:
    return *mc_list_cell(plan->list, i < plan->at ? i : i + 1);
  case REVERSE:
    return *mc_list_cell(plan->list, plan->size - 1 - i);
  case ORDER:
    break;
  }
  return *mc_list_cell(plan->list, plan->order[i]);
}

/* Under the lock. What is pending before belongs to the new ring; `gone`, a node or 0,
 * does not belong to it. 0 or MC_NOMEM. */
static int rebuild(struct mc_list *list, const struct plan *plan, mc_ref gone) {
  mc_ref *link = mc_list_pending_end();
  struct mc_ring ring;
  uint64_t room =
      plan->size <= MC_LIST_SHORT / 2 ? plan->size + plan->size / 2 : plan->size;
  int error = mc_ring_make(&ring, room, link);
  if (error)
    return error;
  for (uint64_t i = 0; i < plan->size; i++)
    *mc_ring_cell(&ring, i) = choose(plan, i);
  if (gone)
    mc_block(gone)->link = 0;
  mc_ref old = mc_list_chain(list, gone);
  list->writes++;
  mc_undo_begin(mc_list_lock(list));
  mc_list_take_ring(list, &ring, plan->size);
  mc_set32(&mc_self->pending, old);
  mc_undo_commit();
  return 0;
}

/* Not at the end, and maybe not in the list at all any more. */
static int insert_inside(struct mc_list *list, uint64_t i, const struct mc_value *value) {
  struct plan plan = {.list = list, .size = list->size + 1, .at = i, .kind = INSERT};
  plan.cell.form = value->form;
  if (value->form >= MC_BYTES)
    plan.cell.bits = mc_self->pending;
  else
    plan.cell.bits = value->form == MC_NOTHING ? 0 : mc_value_bits(value);
  return rebuild(list, &plan, 0);
}

int mc_list_insert(mc_ref ref, uint64_t i, const struct mc_value *value) {
  struct mc_list *list = mc_at(ref);
  int error = 0;
  if (value->form >= MC_BYTES)
    error = mc_node_make(NULL, value, &mc_self->pending);
  if (error)
    return error;
  mc_lock(mc_list_lock(list));
  bool at_end = i == list->size;
  if (i > list->size)
    error = MC_RANGE;
  else if (!at_end)
    error = insert_inside(list, i, value);
  mc_unlock(mc_list_lock(list));
  mc_tables_clean_up();
  if (at_end) {
    error = mc_list_append_at(ref, i, value);
    return error == MC_CHANGED ? mc_list_insert(ref, i, value) : error;
  }
  return error;
}

/* 0 or MC_NOMEM, then nothing is pending. */
static int take_out(struct mc_list *list, uint64_t i) {
  if (i == 0 || i == list->size - 1) {
    mc_list_drop_end(list, i == 0);
    return 0;
  }
  const struct mc_cell *cell = mc_list_cell(list, i);
  struct plan plan = {.list = list, .size = list->size - 1, .at = i, .kind = TAKE_OUT};
  int error = rebuild(list, &plan, cell->form >= MC_BYTES ? (mc_ref)cell->bits : 0);
  if (error)
    mc_pending_free();
  return error;
}

/* Lets go of the copy that was made last. */
static void forget_copy(struct mc_batch *batch) {
  const struct mc_item *item = mc_batch_item(batch, mc_batch_count(batch) - 1);
  for (uint32_t i = 0; i < item->n_handles; i++)
    mc_object_drop(mc_batch_handles(batch, item)[i]);
  batch->handles.length -= item->n_handles * sizeof(mc_ref);
  batch->bytes.length -= item->length;
  batch->items.length -= sizeof(struct mc_item);
}

int mc_list_take(mc_ref ref, uint64_t i, struct mc_batch *batch) {
  struct mc_list *list = mc_at(ref);
  mc_lock(mc_list_lock(list));
  int error = MC_RANGE;
  if (i < list->size)
    error = mc_list_copy(list, i, batch);
  if (!error) {
    error = take_out(list, i);
    if (error)
      forget_copy(batch);
  }
  mc_unlock(mc_list_lock(list));
  mc_tables_clean_up();
  return error ? error : 1;
}

int mc_list_remove(mc_ref ref, const struct mc_value *value) {
  struct mc_list *list = mc_at(ref);
  mc_lock(mc_list_lock(list));
  uint64_t i = mc_list_seek(list, value, 0);
  bool found = i < list->size;
  int error = found ? take_out(list, i) : 0;
  mc_unlock(mc_list_lock(list));
  mc_tables_clean_up();
  return error ? error : found;
}

int mc_list_reverse(mc_ref ref) {
  struct mc_list *list = mc_at(ref);
  mc_lock(mc_list_lock(list));
  struct plan plan = {.list = list, .size = list->size, .kind = REVERSE};
  int error = list->size ? rebuild(list, &plan, 0) : 0;
  mc_unlock(mc_list_lock(list));
  mc_tables_clean_up();
  return error;
}

int mc_list_permute(mc_ref ref, uint64_t version, const uint64_t *order, uint64_t n) {
  struct mc_list *list = mc_at(ref);
  int error = 0;
  mc_lock(mc_list_lock(list));
  struct plan plan = {.list = list, .size = n, .order = order, .kind = ORDER};
  if (list->writes != version || list->size != n)
    error = MC_CHANGED;
  else if (n)
    error = rebuild(list, &plan, 0);
  mc_unlock(mc_list_lock(list));
  mc_tables_clean_up();
  return error;
}

/* The content goes to a nameless list that is dying already. */
int mc_list_clear(mc_ref ref) {
  struct mc_list *list = mc_at(ref);
  struct mc_slot *self = mc_self;
  mc_ref heir = mc_block_take(MC_CLASS_SMALL, &self->pending);
  if (heir == 0)
    return MC_NOMEM;
  struct mc_list *dying = mc_at(heir);
  mc_lock(mc_list_lock(list));
  dying->first = list->first;
  dying->size = list->size;
  dying->capacity = list->capacity;
  dying->cells = list->cells;
  dying->chunks = list->chunks;
  list->writes++;
  const struct mc_ring nothing = {0, 0, 0, 0};
  mc_undo_begin(mc_list_lock(list));
  mc_list_take_ring(list, &nothing, 0);
  mc_set32(&self->pending, dying->block.link);
  mc_set32(&dying->object.kind, MC_KIND_LIST);
  mc_set32(&dying->object.next_dying, self->dying);
  mc_set32(&self->dying, heir);
  mc_undo_commit();
  mc_unlock(mc_list_lock(list));
  mc_tables_clean_up();
  return 0;
}
