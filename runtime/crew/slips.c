#include "crew/slips.h"

#include "os/map.h"

static size_t size_of(uint32_t n) {
  return sizeof(struct mc_slips) + n * sizeof(uint64_t);
}

struct mc_slips *mc_slips_create(uint32_t n) {
  struct mc_slips *slips = n <= MC_SLIPS_MAX ? mc_pages_share(size_of(n)) : NULL;
  if (slips)
    slips->n = n;
  return slips;
}

void mc_slips_destroy(struct mc_slips *slips) {
  if (slips)
    mc_pages_free(slips, size_of(slips->n));
}

void mc_slips_give_up(struct mc_slips *slips, uint64_t id) {
  uint64_t place = id & (MC_SLIPS_MAX - 1);
  if (place < slips->n)
    __atomic_store_n(&slips->ids[place], id, __ATOMIC_SEQ_CST);
}

bool mc_slips_given_up(const struct mc_slips *slips, uint64_t id) {
  uint64_t place = id & (MC_SLIPS_MAX - 1);
  return place < slips->n && __atomic_load_n(&slips->ids[place], __ATOMIC_SEQ_CST) == id;
}
