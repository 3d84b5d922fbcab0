/* What every process of a kill test writes down about its messages, in memory of the
 * test's own that outlives them all, and the calls that write it.
 *
 *   id 1 … 15    put by the tester, before anything is killed
 *   id 16 * n …  put by actor n - 1
 *   id 0         fillers, which nobody asks for
 *
 * An operation is noted before it begins and after it returned; so whatever instruction a
 * process dies at, the ledger says what must be there, what may be and what must not. */
#ifndef TORTURE_LEDGER_H
#define TORTURE_LEDGER_H

#include "share/queue.h"

#include <stdarg.h>
#include <stdbool.h>

#define IDS    128
#define ACTORS 4
#define BATCH  8
#define QUEUES 80

enum { NEVER, BEGUN, OVER };

struct entry {
  uint8_t put;      /* NEVER, BEGUN, OVER (it returned success), by its producer */
  uint8_t settle;   /* the same, by whoever settled it */
  uint8_t taken;    /* how often a take returned it */
  uint8_t torn;     /* a batch that may be put in part */
  uint32_t batch;   /* messages with the same number come all or none */
  uint32_t queue;   /* its index */
  uint32_t handles; /* how many it carries */
  uint32_t length;
};

struct ledger {
  struct entry entry[IDS];
  uint32_t ready[ACTORS], go[ACTORS], done[ACTORS];
  uint32_t batches;
  int32_t result[ACTORS];   /* of the operation */
  uint32_t closing[QUEUES]; /* BEGUN, OVER */
  long k, j;                /* at which instructions somebody was killed */
  long instructions, kills;
  uint64_t slowest; /* nanoseconds from a death to its reaping by a watcher */
  char failure[400];
};

extern struct ledger *ledger;
extern unsigned me;           /* this process: 0 the tester, n + 1 actor n */
extern mc_ref queues[QUEUES]; /* of the scenario; inherited by actors */

/* Maps it, before any fork. */
void ledger_open(void);
void ledger_clear(void);

/* The test has failed: notes why and ends this process. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The id of this process's n-th message. */
unsigned id_of(unsigned n);

/* Fills this process's next batch: n messages of `length` bytes (at least 4), the first
 * of them its `first`-th; each carries the handles queues[1] … in turn. */
void prepare(unsigned first, unsigned n, size_t length, unsigned handles);

/* Puts what was prepared into queues[queue], until the deadline. */
int put_prepared(unsigned queue, mc_time deadline);

/* Both, for ever; must succeed. */
void put(unsigned queue, unsigned first, unsigned n, size_t length);

/* Puts n fillers and takes them again. */
void churn(unsigned queue, unsigned n, size_t length);

/* Takes up to n into this process's hands: how many, or the error. */
int take(unsigned queue, unsigned n, mc_time deadline);

/* Settles or returns all that take() brought. */
void settle_taken(void);
void return_taken(void);

void close_noted(unsigned queue);

/* Looks whether the bytes are those of a message, whole; its id. */
unsigned read_message(const struct mc_lease *lease);

#endif
