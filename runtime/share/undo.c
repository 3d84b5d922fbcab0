#include "share/undo.h"

void mc_undo_roll_back(struct mc_undo *undo) {
  for (uint64_t i = undo->n; i-- > 0;) {
    void *where = (char *)mc_space + (undo->entry[i].where >> 1);
    if (undo->entry[i].where & 1)
      __atomic_store_n((uint32_t *)where, (uint32_t)undo->entry[i].old, __ATOMIC_RELEASE);
    else
      __atomic_store_n((uint64_t *)where, undo->entry[i].old, __ATOMIC_RELEASE);
  }
  mc_order();
  undo->n = 0;
  mc_order();
}
