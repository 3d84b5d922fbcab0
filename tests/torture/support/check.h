/* What must hold after somebody was killed. Each of these fails the test when it does
 * not. */
#ifndef TORTURE_CHECK_H
#define TORTURE_CHECK_H

#include "share/queue.h"

#include <stdbool.h>

/* Queues of the tester's own, by index; made, and let go of. */
void make_queue(unsigned queue, uint64_t maxsize, enum mc_on_death on_death);
void drop_queue(unsigned queue);

/* Uses the space as the next process would, before the dead are reaped: `way` 0 not at
 * all, 1 puts, 2 takes and returns. */
void use_unreaped(int way);

/* Takes everything that is in the queues: each message whole, in order, and exactly those
 * that the ledger asks for. */
void check_messages(void);

/* Blocks, runs, objects and counts agree. */
void check_structure(void);

/* Others can go on with the queue, and with a new one. */
void check_works(void);

/* Lets go of everything: nothing is left in use. */
void check_nothing_left(void);

/* How many of a queue's messages came from its dead letters in check_messages. */
unsigned dead_letters(unsigned queue);

#endif
