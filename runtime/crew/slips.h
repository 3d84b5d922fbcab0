/* Which tasks under way were given up, on pages that a pool's maker shares with its
 * workers.
 *
 * A task's id has its place in the lowest 16 bits; places are few and used again, ids are
 * not. The maker writes; a worker looks behind mc_seat_begin(). So a task that is given
 * up is either seen by its worker before it runs, or is in that worker's hand by then,
 * where mc_board_doom() finds it. */
#ifndef MC_CREW_SLIPS_H
#define MC_CREW_SLIPS_H

#include <stdbool.h>
#include <stdint.h>

#define MC_SLIPS_MAX 65536

struct mc_slips {
  uint32_t n;
  uint64_t ids[]; /* by place: the last that was given up there */
};

/* For places 0 to n - 1; NULL: no memory. */
struct mc_slips *mc_slips_create(uint32_t n);
void mc_slips_destroy(struct mc_slips *slips);

void mc_slips_give_up(struct mc_slips *slips, uint64_t id);
bool mc_slips_given_up(const struct mc_slips *slips, uint64_t id);

#endif
