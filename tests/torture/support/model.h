/* What the random test knows: see model_random.c. All of it outlives any process. */
#ifndef TORTURE_MODEL_H
#define TORTURE_MODEL_H

#include "share/value.h"

#include <stdbool.h>

#define WORKERS  5u
#define DICTS    2u
#define KEYS     1500u /* of a worker in a dict, at most */
#define COUNTERS 4u
#define CELLS    40u        /* of a worker in the list of cells */
#define AT_ONCE  8u         /* keys of an update, messages of a put */
#define NUMBERS  (1u << 21) /* that pass through the deque, and through the queue */
#define ABSENT   (-1)

enum { NEVER, BEGUN, RETURNED };

enum note_kind { NOTE_KEYS, NOTE_COUNTER, NOTE_CELL };

/* What a worker is doing: these places have `before` and will have `after`. */
struct note {
  uint32_t phase;
  enum note_kind kind;
  uint32_t dict;
  uint32_t n;
  uint32_t place[AT_ONCE];
  int64_t before[AT_ONCE], after[AT_ONCE];
};

struct model_worker {
  int64_t key[DICTS][KEYS];
  int64_t counter[COUNTERS];
  int64_t cell[CELLS];
  struct note note;
  uint32_t popping; /* it takes something from the deque and has not noted what */
  uint32_t filling; /* its dicts are to grow, not to shrink */
};

/* A number's way through the deque or the queue. */
struct passage {
  uint8_t in[NUMBERS];    /* NEVER, BEGUN, RETURNED */
  uint8_t out[NUMBERS];   /* the same */
  uint8_t batch[NUMBERS]; /* how many came in together; 0: it is not the first */
  uint64_t next;
};

struct model {
  struct model_worker worker[WORKERS];
  struct passage deque, queue;
  uint64_t unclear_pops; /* of the killed: each may have taken one from the deque */
  uint64_t operations[WORKERS];
  uint64_t kills, were_done, were_not;
  uint32_t stop;
  char failure[300];
};

extern struct model *model;

/* The shared objects; made by model_open(), inherited. */
extern mc_ref model_dicts[DICTS], model_list_of_cells, model_list, model_messages,
    model_referred;

/* The ledger and the objects. false: there is no memory. */
bool model_open(void);
void model_drop(void);

_Noreturn void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

void model_seed(uint64_t seed);
uint32_t model_any(uint32_t below);

/* A value stands for a number: even ones are kept as integers, odd ones as bytes, some of
 * them with a handle. Good until the next call with the same `which` (< AT_ONCE). */
struct mc_value model_value(int64_t number, unsigned which);
int64_t model_number(const struct mc_batch *batch, size_t i);
int64_t model_number_of(const unsigned char *bytes, size_t length);
int64_t model_any_number(void);

/* Random operations of a worker, each checked. */
void model_keys(unsigned worker);
void model_counters(unsigned worker);
void model_cells(unsigned worker);
void model_deque(unsigned worker);
void model_queue(unsigned worker);

/* Looks how far the note of a dead worker came, and makes the model agree. */
void model_resolve(unsigned worker);

/* While nobody works: everything is what the models say. The deque and the queue are
 * empty afterwards. */
void model_compare(void);
void model_compare_tables(void);
void model_compare_passages(void);

#endif
