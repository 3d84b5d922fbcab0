/* What each worker of a pool has in hand, and until when: on pages that the maker, the
 * foreman and the workers share.
 *
 * A worker takes a ticket when it begins and gives it back when it is done; both are one
 * compare-and-swap. Whoever wants the task ended by force dooms the ticket by another. So
 * a worker is killed only for the very task that was meant, never for the one behind it.
 */
#ifndef MC_CREW_BOARD_H
#define MC_CREW_BOARD_H

#include "os/clock.h"
#include "os/output.h"
#include "share/member.h"

#include <stdbool.h>
#include <stdint.h>

struct mc_desk {
  /* Counts up by 2 with each task; the lowest bit says that it is doomed; 0: nothing is
   * in hand. Written by the worker, and by who dooms. */
  _Alignas(64) uint64_t ticket;
  uint64_t last;    /* the worker's: the ticket before */
  uint64_t id;      /* the worker's, before the ticket: the task */
  mc_time deadline; /* the worker's, before the ticket */
  /* Which item of a chunk is at work, from 1 on; 0: none is. Above it MC_DESK_CLOSED, and
   * a number that is another one for each task. Written by the worker after the id, and
   * by the maker, who closes it: the worker begins no more items then. */
  uint64_t item;
  uint32_t ready; /* the worker's: its initializer is done */
  uint32_t begun; /* the worker's: it has begun a task */
  /* The worker's, before the ticket: bytes that are kept of what the task writes; 0: it
   * is not captured. */
  uint32_t capture;
};

#define MC_DESK_CLOSED   0x80000000u
#define MC_DESK_ITEM     0x7fffffffu
#define MC_DESK_NEW_TASK 0x100000000u

struct mc_board {
  mc_time next_look; /* the foreman's: when it looks by itself; 0: it is about to */
  uint64_t useful;   /* workers that have begun a task, ever */
  uint32_t starved;  /* a worker finds no room for its result; the maker resets it */
  unsigned n;
  struct mc_desk desks[];
};

/* A worker's place at the board of its pool. */
struct mc_seat {
  struct mc_board *board;
  struct mc_desk *desk;
  struct mc_member foreman, maker;
  struct mc_capture *capture;
  unsigned number; /* of the worker, from 1 on; not used again in the pool */
};

/* A board for n workers; NULL: no memory. */
struct mc_board *mc_board_create(unsigned n);
void mc_board_destroy(struct mc_board *board);

/* Worker: begins to get ready for work, which may take until `deadline`. */
void mc_seat_prepare(const struct mc_seat *seat, mc_time deadline);

/* Worker: it is ready. false: that took too long; the caller is about to be killed. */
bool mc_seat_ready(const struct mc_seat *seat);

/* Worker: begins task `id`, which may take until `deadline`. */
void mc_seat_begin(const struct mc_seat *seat, uint64_t id, mc_time deadline);

/* Worker: the task is done. false: it was doomed; the caller is about to be killed. */
bool mc_seat_end(const struct mc_seat *seat);

/* Worker: the next part of the same task begins, with a time of its own. false: doomed.
 */
bool mc_seat_renew(const struct mc_seat *seat, mc_time deadline);

/* Worker: begins with the next item of the chunk in hand. false: the chunk was closed. */
static inline bool mc_seat_next(const struct mc_seat *seat) {
  uint64_t item = __atomic_load_n(&seat->desk->item, __ATOMIC_RELAXED);
  return !(item & MC_DESK_CLOSED) &&
         __atomic_compare_exchange_n(&seat->desk->item, &item, item + 1, false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Worker: no item of the chunk is at work any more, and none will be. */
void mc_seat_stop(const struct mc_seat *seat);

/* Worker: finds no room in shared memory for its result; the maker is told. */
void mc_seat_starve(const struct mc_seat *seat);

/* Maker: whether a worker is starved, until mc_board_fed(). */
bool mc_board_starved(const struct mc_board *board);
void mc_board_fed(struct mc_board *board);

/* Maker: dooms task `id` when a worker has it in hand. */
bool mc_board_doom(struct mc_board *board, uint64_t id);

/* Maker: closes the chunk `id` when a worker has it in hand: how many of its items the
 * worker has begun, and will do. 0: there is nothing to close, or no more. */
uint32_t mc_board_close(struct mc_board *board, uint64_t id);

/* Foreman: whether desk i is doomed, after dooming it when its time is over. `*late` is
 * set when it is so now; `*next` is lowered to its deadline when that is still to come,
 * and to a moment from now when its output is captured. */
bool mc_board_look(struct mc_board *board, unsigned i, mc_time now, bool *late,
                   mc_time *next);

/* Foreman: which item of the chunk `id` the dead worker of desk i had in hand; 0: none.
 */
uint32_t mc_board_item(const struct mc_board *board, unsigned i, uint64_t id);

/* Foreman: how much is kept of what the task at desk i writes; 0: it is not captured. The
 * second is for the task that the dead worker had. */
uint32_t mc_board_captures(const struct mc_board *board, unsigned i);
uint32_t mc_board_capture(const struct mc_board *board, unsigned i, uint64_t id);

/* Foreman: what the worker of desk i has come to: is it ready, has it begun a task? */
bool mc_board_is_ready(const struct mc_board *board, unsigned i);
bool mc_board_has_begun(const struct mc_board *board, unsigned i);

/* Foreman: how many workers have begun a task, ever. */
uint64_t mc_board_useful(const struct mc_board *board);

/* Foreman: a new worker sits down at desk i. */
void mc_board_clear(struct mc_board *board, unsigned i);

#endif
