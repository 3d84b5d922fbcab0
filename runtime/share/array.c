#include "share/array.h"

#include "base/error.h"
#include "share/array_layout.h"
#include "share/node.h"
#include "share/object_make.h"
#include "share/undo.h"

static const uint8_t widths[] = {
#define WIDTH(name, type) sizeof(type),
    MC_ARRAY_KINDS(WIDTH)
#undef WIDTH
};

size_t mc_array_width(enum mc_array_kind kind) {
  return widths[kind];
}

static struct mc_robust *lock_of(const struct mc_array *array) {
  return mc_table_lock(array, 0);
}

static unsigned char *elements_of(const struct mc_array *array) {
  return (unsigned char *)(mc_block(array->elements) + 1);
}

/* A block for the bytes, linked to *link. 0, MC_NOMEM, MC_TOOBIG. */
static int take(uint64_t bytes, mc_ref *link) {
  uint32_t size_class = mc_class_for(bytes);
  if (size_class != MC_CLASS_RUN)
    return mc_block_take(size_class, link) ? 0 : MC_NOMEM;
  uint64_t spans = (bytes + sizeof(struct mc_block) + MC_SPAN_BYTES - 1) / MC_SPAN_BYTES;
  if (spans > mc_heap_capacity())
    return MC_TOOBIG;
  return mc_heap_take_hard((uint32_t)spans, link) ? 0 : MC_NOMEM;
}

int mc_array_create(enum mc_array_kind kind, uint64_t n, mc_ref *created) {
  struct mc_slot *self = mc_self;
  if (n > (uint64_t)1 << 40)
    return MC_TOOBIG;
  mc_ref ref = mc_object_begin();
  if (ref == 0)
    return MC_NOMEM;
  struct mc_array *array = mc_at(ref);
  array->kind = kind;
  mc_object_finish(ref, MC_KIND_ARRAY);
  if (n) {
    int error = take(n * widths[kind], &self->pending);
    if (error) {
      mc_object_drop(ref);
      return error;
    }
    memset(mc_block(self->pending) + 1, 0, n * widths[kind]);
    mc_undo_begin(NULL); /* nobody else knows it yet */
    mc_set64(&array->size, n);
    mc_set32(&array->elements, self->pending);
    mc_set32(&self->pending, 0);
    mc_undo_commit();
  }
  *created = ref;
  return 0;
}

uint64_t mc_array_size(mc_ref array) {
  return ((const struct mc_array *)mc_at(array))->size;
}

enum mc_array_kind mc_array_kind(mc_ref array) {
  return (enum mc_array_kind)((const struct mc_array *)mc_at(array))->kind;
}

/* Under the lock: finishes the write that is in `redo`; its block becomes pending. */
static void finish_write(struct mc_array *array) {
  struct mc_slot *self = mc_self;
  mc_ref redo = array->redo;
  memcpy(elements_of(array) + array->redo_at, mc_block(redo) + 1, array->redo_length);
  mc_order();
  mc_block(redo)->link = self->pending;
  mc_undo_begin(lock_of(array));
  mc_set32(&array->redo, 0);
  mc_set32(&self->pending, redo);
  mc_undo_commit();
}

static void enter(struct mc_array *array) {
  mc_lock(lock_of(array));
  if (__builtin_expect(array->redo != 0, 0))
    finish_write(array);
}

static void leave(struct mc_array *array) {
  mc_unlock(lock_of(array));
  mc_tables_clean_up();
}

static bool in_range(const struct mc_array *array, uint64_t i, uint64_t n) {
  return i <= array->size && n <= array->size - i;
}

int mc_array_read(mc_ref ref, uint64_t i, uint64_t n, void *to) {
  struct mc_array *array = mc_at(ref);
  size_t width = widths[array->kind];
  if (!in_range(array, i, n))
    return MC_RANGE;
  enter(array);
  if (n)
    memcpy(to, elements_of(array) + i * width, n * width);
  leave(array);
  return 0;
}

/* One element, in one store. */
static void store_one(void *to, const void *from, size_t width) {
  uint64_t bits = 0;
  memcpy(&bits, from, width);
  switch (width) {
  case 1:
    __atomic_store_n((uint8_t *)to, (uint8_t)bits, __ATOMIC_RELEASE);
    break;
  case 2:
    __atomic_store_n((uint16_t *)to, (uint16_t)bits, __ATOMIC_RELEASE);
    break;
  case 4:
    __atomic_store_n((uint32_t *)to, (uint32_t)bits, __ATOMIC_RELEASE);
    break;
  default:
    __atomic_store_n((uint64_t *)to, bits, __ATOMIC_RELEASE);
  }
}

int mc_array_write(mc_ref ref, uint64_t i, uint64_t n, const void *from) {
  struct mc_array *array = mc_at(ref);
  struct mc_slot *self = mc_self;
  size_t width = widths[array->kind];
  if (!in_range(array, i, n))
    return MC_RANGE;
  if (n == 1) {
    enter(array);
    store_one(elements_of(array) + i * width, from, width);
    leave(array);
  }
  if (n < 2)
    return 0;
  int error = take(n * width, &self->pending);
  if (error)
    return error;
  memcpy(mc_block(self->pending) + 1, from, n * width);
  mc_lock(lock_of(array));
  /* A dead member's write would put its block in front of ours. */
  mc_ref mine = self->pending;
  if (array->redo)
    finish_write(array);
  mc_ref *link = &self->pending;
  while (*link != mine)
    link = &mc_block(*link)->link;
  array->redo_at = i * width;
  array->redo_length = n * width;
  mc_undo_begin(lock_of(array));
  mc_set32(&array->redo, mine); /* from the commit on it has been written */
  mc_set32(link, 0);
  mc_undo_commit();
  finish_write(array);
  leave(array);
  return 0;
}

int mc_array_increment(mc_ref ref, uint64_t i, const struct mc_value *by,
                       struct mc_value *result) {
  struct mc_array *array = mc_at(ref);
  size_t width = widths[array->kind];
  if (!in_range(array, i, 1))
    return MC_RANGE;
  enter(array);
  unsigned char *element = elements_of(array) + i * width;
  uint64_t bits;
  mc_array_load(mc_array_kind(ref), element, result);
  bits = mc_value_bits(result);
  result->form = mc_number_add(result->form, &bits, by);
  memcpy(&result->integer, &bits, sizeof(bits));
  uint64_t fresh;
  bool fits = mc_array_store(mc_array_kind(ref), &fresh, result);
  if (fits)
    store_one(element, &fresh, width);
  leave(array);
  return fits ? 0 : MC_RANGE;
}

void mc_array_load(enum mc_array_kind kind, const void *element, struct mc_value *value) {
  value->form = kind >= MC_F32 ? MC_FLOAT : MC_INTEGER;
  switch (kind) {
#define LOAD(name, type)                                                                 \
  case MC_##name: {                                                                      \
    type number;                                                                         \
    memcpy(&number, element, sizeof(number));                                            \
    if (kind >= MC_F32)                                                                  \
      value->number = (double)number;                                                    \
    else                                                                                 \
      value->integer = (int64_t)number;                                                  \
    break;                                                                               \
  }
    MC_ARRAY_KINDS(LOAD)
#undef LOAD
  }
}

/* The integer that a value is, exactly. */
static bool to_integer(const struct mc_value *value, int64_t *integer) {
  if (value->form == MC_INTEGER) {
    *integer = value->integer;
    return true;
  }
  if (!(value->number >= -0x1p63 && value->number < 0x1p63))
    return false;
  *integer = (int64_t)value->number;
  return (double)*integer == value->number;
}

bool mc_array_store(enum mc_array_kind kind, void *element,
                    const struct mc_value *value) {
  static const int64_t least[] = {INT8_MIN, 0, INT16_MIN, 0, INT32_MIN, 0, INT64_MIN};
  static const int64_t most[] = {INT8_MAX,  UINT8_MAX,  INT16_MAX, UINT16_MAX,
                                 INT32_MAX, UINT32_MAX, INT64_MAX};
  if (kind >= MC_F32) {
    double number = value->form == MC_INTEGER ? (double)value->integer : value->number;
    float narrow = (float)number;
    if (kind == MC_F32)
      memcpy(element, &narrow, sizeof(narrow));
    else
      memcpy(element, &number, sizeof(number));
    return true;
  }
  int64_t integer;
  if (!to_integer(value, &integer) || integer < least[kind] || integer > most[kind])
    return false;
  memcpy(element, &integer, widths[kind]); /* the low bytes come first */
  return true;
}

void mc_array_detach_piece(struct mc_array *array) {
  struct mc_slot *self = mc_self;
  mc_ref *link = array->redo ? &array->redo : &array->elements;
  mc_undo_begin(NULL);
  if (*link) {
    mc_set32(&mc_block(*link)->link, 0);
    mc_set32(&self->pending, *link);
    mc_set32(link, 0);
  } else {
    mc_set32(&array->object.kind, MC_KIND_NONE);
    mc_set32(&self->dying, array->object.next_dying);
    mc_set32(&array->block.link, 0);
    mc_set32(&self->pending, mc_ref_of(array));
  }
  mc_undo_commit();
}
