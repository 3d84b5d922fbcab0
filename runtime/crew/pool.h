/* The supervisor of a pool: a process of its own (the "foreman") that forks the workers,
 * watches them and replaces the dead. No Lua here; what a worker does is the caller's
 * body.
 *
 *   maker ── tasks ──▶ workers ── results ──▶ maker
 *              ▲          ▲           ▲
 *              └───── foreman ────────┘   reports tasks whose worker died
 *
 * The tasks queue is made with MC_BURY: a worker keeps the lease on its task until the
 * result is put, so the task of a dead worker is found among the dead letters. */
#ifndef MC_CREW_POOL_H
#define MC_CREW_POOL_H

#include "crew/board.h"
#include "crew/child.h"
#include "share/queue.h"

/* What a message of the tasks queue starts with. Behind it: the encoded function, and the
 * encoded arguments. */
struct mc_task_head {
  uint64_t id;
  uint64_t timeout;         /* ns from its start in the worker; 0: none */
  uint32_t mode;            /* the caller's */
  uint32_t function_length; /* bytes */
  uint32_t function_refs;   /* so many of the message's handles are the function's */
  uint32_t plain;           /* its decoded form may be used again for equal bytes */
  uint32_t capture;         /* bytes of its output that are kept; 0: it is not captured */
  uint32_t clocked;         /* of a chunk: how long it takes is wanted */
};

enum mc_result_status {
  MC_RESULT_RETURNED,  /* behind the head: the encoded results */
  MC_RESULT_RAISED,    /* behind the head: the encoded error */
  MC_RESULT_MAPPED,    /* behind the head: the encoded results and errors of a chunk */
  MC_RESULT_LOST,      /* the worker died; pid and code say which and how */
  MC_RESULT_LATE,      /* it took longer than its time-out: the worker pid was killed */
  MC_RESULT_CANCELLED, /* it was given up before it began (crew/slips.h) */
  MC_RESULT_RESTART,   /* no task's: a worker was replaced */
  MC_RESULT_BROKEN,    /* no task's: no worker can be started, code is the error */
  MC_RESULT_FUTILE,    /* no task's: workers die before they begin one, the last was pid,
                          with code; none is started any more */
  MC_RESULT_HUNG,      /* no task's: the worker pid was killed, its preparations took too
                          long; none is started any more */
};

/* Beside the status: behind the head is what the task wrote, and then the rest. */
#define MC_RESULT_CAPTURED 0x100u

/* What a message of the results queue starts with. */
struct mc_result_head {
  uint64_t id; /* of the task; 0: a notice about the pool */
  uint32_t status;
  int32_t code;
  int32_t pid;
  /* LOST, LATE: of the chunk, the one in hand, from 1 on; 0: none. MAPPED: how many of
   * the chunk were begun; the rest is the maker's again. */
  uint32_t item;
  uint32_t output, error_output; /* CAPTURED: bytes of stdout and of stderr */
  uint64_t took;                 /* MAPPED: nanoseconds, when that was wanted */
};

/* A worker that ends with this status before it is ready is not replaced: it could not
 * get ready for work. */
#define MC_WORKER_UNFIT 70

struct mc_pool_options {
  unsigned processes; /* >= 1 */
  mc_ref tasks;       /* an MC_BURY queue; closing it ends the pool once it is drained */
  mc_ref results;
  struct mc_board *board; /* for so many workers */
  /* Runs in each worker until the tasks queue is closed. */
  int (*worker)(void *data, const struct mc_seat *seat);
  void *data;
};

/* Forks the foreman. As mc_child_start. */
int mc_pool_start(struct mc_child *foreman, const struct mc_pool_options *options);

/* Ends the workers (TERM, then KILL) and the foreman, and waits for that. */
void mc_pool_terminate(struct mc_child *foreman);

#endif
