#include "crew/board.h"

#include "os/map.h"

#define MOMENT 20000000u /* ns: so often the foreman looks how much was captured */

static size_t size_of(unsigned n) {
  return sizeof(struct mc_board) + n * sizeof(struct mc_desk);
}

struct mc_board *mc_board_create(unsigned n) {
  struct mc_board *board = mc_pages_share(size_of(n));
  if (board)
    board->n = n;
  return board;
}

void mc_board_destroy(struct mc_board *board) {
  if (board)
    mc_pages_free(board, size_of(board->n));
}

static mc_time sooner(mc_time a, mc_time b) {
  return a < b ? a : b;
}

static void take_ticket(const struct mc_seat *seat, mc_time deadline) {
  struct mc_desk *desk = seat->desk;
  __atomic_store_n(&desk->deadline, deadline, __ATOMIC_RELAXED);
  desk->last += 2;
  __atomic_store_n(&desk->ticket, desk->last, __ATOMIC_SEQ_CST);
  if (desk->capture)
    deadline = sooner(deadline, mc_now() + MOMENT);
  if (deadline == MC_FOREVER)
    return;
  /* The foreman either finds the ticket, or has said by when it looks again. */
  mc_time look = __atomic_load_n(&seat->board->next_look, __ATOMIC_SEQ_CST);
  if (deadline < look || look == 0)
    mc_member_ring(seat->foreman);
}

void mc_seat_stop(const struct mc_seat *seat) {
  uint64_t *item = &seat->desk->item;
  uint64_t task = __atomic_load_n(item, __ATOMIC_RELAXED) & ~(uint64_t)MC_DESK_ITEM;
  __atomic_store_n(item, task | MC_DESK_CLOSED, __ATOMIC_RELAXED);
}

static void begin(const struct mc_seat *seat, uint64_t id, mc_time deadline) {
  struct mc_desk *desk = seat->desk;
  uint64_t item = (desk->item | (MC_DESK_CLOSED | MC_DESK_ITEM)) + 1;
  /* A chunk that an error left open is over, before the desk has another id. */
  mc_seat_stop(seat);
  __atomic_store_n(&desk->id, id, __ATOMIC_RELEASE);
  __atomic_store_n(&desk->item, item, __ATOMIC_RELEASE);
  take_ticket(seat, deadline);
}

void mc_seat_begin(const struct mc_seat *seat, uint64_t id, mc_time deadline) {
  if (!seat->desk->begun) {
    __atomic_store_n(&seat->desk->begun, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&seat->board->useful, 1, __ATOMIC_SEQ_CST);
  }
  begin(seat, id, deadline);
}

void mc_seat_prepare(const struct mc_seat *seat, mc_time deadline) {
  begin(seat, 0, deadline);
}

bool mc_seat_ready(const struct mc_seat *seat) {
  if (!mc_seat_end(seat))
    return false;
  __atomic_store_n(&seat->desk->ready, 1, __ATOMIC_SEQ_CST);
  return true;
}

bool mc_seat_end(const struct mc_seat *seat) {
  uint64_t mine = seat->desk->last;
  return __atomic_compare_exchange_n(&seat->desk->ticket, &mine, 0, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool mc_seat_renew(const struct mc_seat *seat, mc_time deadline) {
  if (!mc_seat_end(seat))
    return false;
  take_ticket(seat, deadline);
  return true;
}

void mc_seat_starve(const struct mc_seat *seat) {
  __atomic_store_n(&seat->board->starved, 1, __ATOMIC_SEQ_CST);
  mc_member_ring(seat->maker);
}

bool mc_board_starved(const struct mc_board *board) {
  return __atomic_load_n(&board->starved, __ATOMIC_SEQ_CST);
}

void mc_board_fed(struct mc_board *board) {
  __atomic_store_n(&board->starved, 0, __ATOMIC_SEQ_CST);
}

static bool doom(struct mc_desk *desk, uint64_t ticket) {
  return __atomic_compare_exchange_n(&desk->ticket, &ticket, ticket | 1, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool mc_board_doom(struct mc_board *board, uint64_t id) {
  for (unsigned i = 0; i < board->n; i++) {
    struct mc_desk *desk = &board->desks[i];
    uint64_t ticket = __atomic_load_n(&desk->ticket, __ATOMIC_SEQ_CST);
    if (ticket && __atomic_load_n(&desk->id, __ATOMIC_RELAXED) == id &&
        doom(desk, ticket))
      return true;
  }
  return false;
}

uint32_t mc_board_close(struct mc_board *board, uint64_t id) {
  for (unsigned i = 0; i < board->n; i++) {
    struct mc_desk *desk = &board->desks[i];
    /* Read before the id: should the worker go on meanwhile, it has changed. */
    uint64_t item = __atomic_load_n(&desk->item, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&desk->id, __ATOMIC_ACQUIRE) != id)
      continue;
    while (!(item & MC_DESK_CLOSED) && (item & MC_DESK_ITEM)) {
      uint64_t before = item;
      if (__atomic_compare_exchange_n(&desk->item, &item, item | MC_DESK_CLOSED, false,
                                      __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
        return (uint32_t)(before & MC_DESK_ITEM);
      if (item / MC_DESK_NEW_TASK != before / MC_DESK_NEW_TASK)
        break;
    }
    return 0;
  }
  return 0;
}

bool mc_board_look(struct mc_board *board, unsigned i, mc_time now, bool *late,
                   mc_time *next) {
  struct mc_desk *desk = &board->desks[i];
  uint64_t ticket = __atomic_load_n(&desk->ticket, __ATOMIC_SEQ_CST);
  if (ticket == 0 || (ticket & 1))
    return ticket & 1;
  mc_time deadline = __atomic_load_n(&desk->deadline, __ATOMIC_RELAXED);
  if (mc_board_captures(board, i))
    *next = sooner(*next, now + MOMENT);
  if (deadline > now) {
    *next = sooner(*next, deadline);
    return false;
  }
  /* Should the worker have gone on meanwhile, the ticket is another and it is left alone.
   */
  *late = doom(desk, ticket);
  return *late;
}

uint32_t mc_board_item(const struct mc_board *board, unsigned i, uint64_t id) {
  const struct mc_desk *desk = &board->desks[i];
  if (__atomic_load_n(&desk->id, __ATOMIC_RELAXED) != id)
    return 0;
  return (uint32_t)(__atomic_load_n(&desk->item, __ATOMIC_RELAXED) & MC_DESK_ITEM);
}

uint32_t mc_board_captures(const struct mc_board *board, unsigned i) {
  return __atomic_load_n(&board->desks[i].capture, __ATOMIC_RELAXED);
}

uint32_t mc_board_capture(const struct mc_board *board, unsigned i, uint64_t id) {
  const struct mc_desk *desk = &board->desks[i];
  return __atomic_load_n(&desk->id, __ATOMIC_RELAXED) == id ? mc_board_captures(board, i)
                                                            : 0;
}

bool mc_board_is_ready(const struct mc_board *board, unsigned i) {
  return __atomic_load_n(&board->desks[i].ready, __ATOMIC_SEQ_CST);
}

bool mc_board_has_begun(const struct mc_board *board, unsigned i) {
  return __atomic_load_n(&board->desks[i].begun, __ATOMIC_SEQ_CST);
}

uint64_t mc_board_useful(const struct mc_board *board) {
  return __atomic_load_n(&board->useful, __ATOMIC_SEQ_CST);
}

void mc_board_clear(struct mc_board *board, unsigned i) {
  struct mc_desk *desk = &board->desks[i];
  __atomic_store_n(&desk->ticket, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&desk->ready, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&desk->begun, 0, __ATOMIC_SEQ_CST);
}
