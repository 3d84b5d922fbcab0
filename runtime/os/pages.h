/* Pages that processes write to one terminal: one after the other, each whole, though who
 * writes is killed or stopped at any instruction.
 *
 *   current ──┐
 *             ▼
 *   [A, stopped] [B] [free] …      B has waited for A: it takes the next place, takes
 *                                  away what A had begun and finishes it. When A goes on
 *                                  it finds that out, and waits for its turn anew.
 *
 * Each place has a lock that a death releases; the turn is with the holder of the current
 * place's. A holder is passed over only while it is stopped (SIGSTOP, Ctrl-Z, a
 * debugger): one that waits for a slow terminal is waited for. */
#ifndef MC_OS_PAGES_H
#define MC_OS_PAGES_H

#include "os/handover.h"

#include <pthread.h>

#define MC_PAGES_PLACES 8 /* more than processes that are stopped, each in its turn */

/* One place. */
struct mc_page {
  pthread_mutex_t lock;
  uint32_t from;   /* the place whose page is to be taken away, and 1; 0: none is */
  uint32_t shown;  /* what was told of the last page that is out */
  uint32_t coming; /* the same of the page that is under way */
  off_t kept;      /* of the page that is taken away: how much is out */
  struct mc_handover over;
};

/* In shared memory, zeroed at first. */
struct mc_pages {
  uint32_t current; /* place, modulo their number; changed by who holds the new one */
  struct mc_page places[MC_PAGES_PLACES];
};

/* Milliseconds between two looks at a holder; one that is stopped at four of them is
 * passed over. Tests make it less. */
extern uint32_t mc_pages_look;

bool mc_pages_make(struct mc_pages *pages);

/* The turn. What somebody has begun is finished on the terminal `fd`, unless that is
 * negative. `for_long`: also when its holder is busy for long, and not stopped. NULL: it
 * is, or too many are stopped. */
struct mc_page *mc_pages_take(struct mc_pages *pages, int fd, bool for_long);

/* Ends the turn; NULL does nothing. */
void mc_pages_give(struct mc_page *turn);

enum mc_page_end {
  MC_PAGE_FAILED,
  MC_PAGE_DONE,
  MC_PAGE_LOST, /* the turn was, while we were stopped; nothing is or will be out of it */
};

/* Writes a page and tells those who have the turn later something about it, in `shown`.
 * One that is longer than MC_HANDOVER_MOST may be torn by a death or a stop. */
enum mc_page_end mc_page_write(struct mc_page *turn, int fd, const void *text, size_t n,
                               uint32_t shown);

#endif
