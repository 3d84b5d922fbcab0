#include "share/cache.h"

#include "share/heap.h"
#include "share/lock.h"
#include "share/purge.h"
#include "share/undo.h"

const uint16_t mc_class_bytes[MC_CLASSES] = {64,   96,   128,   192,   256,  384,
                                             512,  768,  1024,  1536,  2048, 3072,
                                             4096, 8192, 16384, 32768, 1024, 128};

#define ORDINARY MC_CLASS_OBJECT /* what comes behind is for objects */

uint32_t mc_class_blocks(uint32_t size_class) {
  return MC_SPAN_BYTES / mc_class_bytes[size_class];
}

uint32_t mc_class_for(uint64_t payload) {
  uint64_t bytes = payload + sizeof(struct mc_block);
  if (bytes > mc_class_bytes[ORDINARY - 1])
    return MC_CLASS_RUN;
  uint32_t i = bytes > 1024 ? 9 : bytes > 256 ? 5 : 0;
  while (mc_class_bytes[i] < bytes)
    i++;
  return i;
}

static uint32_t length_of(mc_ref list) {
  uint32_t n = 0;
  for (; list; list = mc_block(list)->next)
    n++;
  return n;
}

void mc_depot_give(uint32_t size_class, mc_ref *list, uint32_t n) {
  if (*list == 0)
    return;
  struct mc_depot *depot = &mc_space->depots[size_class];
  struct mc_block *first = mc_block(*list);
  if (n == 0)
    n = length_of(*list);
  mc_lock(&depot->lock);
  first->magazine_count = n;
  first->next_magazine = depot->magazines;
  mc_undo_begin(&depot->lock);
  mc_set32(&depot->magazines, *list);
  mc_set32(list, 0);
  mc_undo_commit();
  mc_unlock(&depot->lock);
  mc_memory_given();
}

void mc_cache_make_room(uint32_t size_class) {
  struct mc_magazines *m = &mc_self->magazines[size_class];
  if (m->spare)
    mc_depot_give(size_class, &m->spare, m->n_spare);
  mc_undo_begin(NULL);
  mc_set32(&m->spare, m->loaded);
  mc_set32(&m->n_spare, m->n_loaded);
  mc_set32(&m->loaded, 0);
  mc_set32(&m->n_loaded, 0);
  mc_undo_commit();
}

void mc_cache_flush(uint32_t size_class) {
  struct mc_magazines *m = &mc_self->magazines[size_class];
  mc_depot_give(size_class, &m->loaded, m->n_loaded);
  m->n_loaded = 0;
  mc_depot_give(size_class, &m->spare, m->n_spare);
  m->n_spare = 0;
}

void mc_cache_flush_all(void) {
  for (uint32_t i = 0; i < MC_CLASSES; i++)
    mc_cache_flush(i);
}

/* Writes the headers of a fresh span: magazines of `per` blocks, chained to each other.
 */
static void write_headers(mc_ref span, uint32_t size_class, uint32_t per) {
  uint32_t step = mc_class_bytes[size_class] >> 4;
  uint32_t n = mc_class_blocks(size_class);
  for (uint32_t i = 0; i < n; i++) {
    mc_ref ref = span + i * step;
    bool last = (i + 1) % per == 0 || i + 1 == n;
    struct mc_block *block = mc_block(ref);
    *block = (struct mc_block){.next = last ? 0 : ref + step, .size_class = size_class};
    if (i % per == 0) {
      block->magazine_count = n - i < per ? n - i : per;
      block->next_magazine = n - i > per ? ref + per * step : 0;
    }
    if (size_class == MC_CLASS_OBJECT || size_class == MC_CLASS_SMALL)
      __atomic_store_n(&((struct mc_queue *)block)->object.kind, MC_KIND_NONE,
                       __ATOMIC_RELEASE);
  }
}

void mc_cache_finish_carving(void) {
  mc_ref span = mc_self->carved;
  uint32_t size_class = mc_self->carved_class;
  uint32_t per = mc_space->magazine[size_class];
  struct mc_magazines *m = &mc_self->magazines[size_class];
  struct mc_depot *depot = &mc_space->depots[size_class];
  write_headers(span, size_class, per);
  mc_lock(&depot->lock);
  /* The reaper finishes the work of others and may have blocks of its own. */
  bool load = m->loaded == 0;
  mc_ref first = load ? mc_block(span)->next_magazine : span;
  mc_ref last = 0;
  for (mc_ref at = first; at; at = mc_block(at)->next_magazine)
    last = at;
  if (last)
    mc_block(last)->next_magazine = depot->magazines;
  mc_undo_begin(&depot->lock);
  if (first)
    mc_set32(&depot->magazines, first);
  if (load) {
    mc_set32(&m->n_loaded, mc_block(span)->magazine_count);
    mc_set32(&m->loaded, span);
  }
  mc_set32(&mc_self->carved, 0);
  mc_undo_commit();
  mc_unlock(&depot->lock);
}

static bool from_depot(uint32_t size_class) {
  struct mc_magazines *m = &mc_self->magazines[size_class];
  struct mc_depot *depot = &mc_space->depots[size_class];
  if (__atomic_load_n(&depot->magazines, __ATOMIC_RELAXED) == 0)
    return false;
  mc_lock(&depot->lock);
  mc_ref ref = depot->magazines;
  if (ref) {
    mc_undo_begin(&depot->lock);
    mc_set32(&depot->magazines, mc_block(ref)->next_magazine);
    mc_set32(&m->n_loaded, mc_block(ref)->magazine_count);
    mc_set32(&m->loaded, ref);
    mc_undo_commit();
  }
  mc_unlock(&depot->lock);
  return ref != 0;
}

/* From now on what others free comes to the depot at once; some may have come already. */
static bool last_resort(uint32_t size_class) {
  mc_memory_scarce();
  return from_depot(size_class);
}

bool mc_cache_refill(uint32_t size_class) {
  struct mc_magazines *m = &mc_self->magazines[size_class];
  if (m->spare) {
    mc_undo_begin(NULL);
    mc_set32(&m->loaded, m->spare);
    mc_set32(&m->n_loaded, m->n_spare);
    mc_set32(&m->spare, 0);
    mc_set32(&m->n_spare, 0);
    mc_undo_commit();
    return true;
  }
  if (from_depot(size_class))
    return true;
  mc_self->carved_class = size_class;
  mc_order();
  if (!mc_heap_take(1, MC_SPAN_BLOCKS + size_class, &mc_self->carved)) {
    /* Blocks of other classes may lie about; ours may have come back meanwhile. */
    if (!mc_purge() || !mc_heap_take(1, MC_SPAN_BLOCKS + size_class, &mc_self->carved))
      return last_resort(size_class);
  }
  mc_cache_finish_carving();
  return true;
}
