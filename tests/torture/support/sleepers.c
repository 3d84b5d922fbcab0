/* Victims and helpers of which one sleeps until the other does something. */
#include "torture/support/scenarios.h"

#include "share/layout.h"

void setup_both_empty(void) {
  make_queue(0, 0, MC_RETURN);
  make_queue(1, 0, MC_RETURN);
  churn(1, 1, 100);
}

void op_wait_take_settle(void) {
  take(0, 1, MC_FOREVER);
  settle_taken();
}

static void op_wait_take(void) {
  take(0, 1, MC_FOREVER);
}

static void warm(void) {
  churn(1, 1, 100);
}

/* Full but for the small messages' blocks. A message behind the large one keeps their
 * span in use, or it would become the room that the putter waits for. */
static void setup_memory(void) {
  make_queue(0, 0, MC_RETURN);
  put(0, 4, 1, 33000);
  fill_memory();
}

/* The message's block is the only one of its span: freed, it is the room for another. */
static void setup_last_block(void) {
  make_queue(0, 0, MC_RETURN);
  put(0, 1, 1, 1400);
  fill_memory();
}

static void poke_put(void) {
  put(0, 1, 1, 100);
}

static void poke_put_two(void) {
  put(0, 1, 1, 100);
  put(0, 2, 1, 100);
}

static void poke_take(void) {
  take(0, 1, MC_NOW);
  settle_taken();
}

#define TAKER                                                                            \
  { warm, op_wait_take_settle, false }
#define PUTTER                                                                           \
  { warm_put, op_put, false }

const struct scenario watched_scenarios[] = {
    {"put, one taker sleeps", .setup = setup_both_empty, .role = PUTTER, .other = TAKER},
    {"put, two takers sleep", .setup = setup_both_empty, .role = PUTTER, .other = TAKER,
     .helpers = 2},
    {"put of 5, two takers sleep", .setup = setup_both_empty,
     .role = {warm_batch, op_put, false}, .other = TAKER, .helpers = 2},
    {"take and settle, a putter sleeps", .setup = setup_full_of_three,
     .role = {warm, op_take_settle, false}, .other = PUTTER},
    {"take of 2, two putters sleep", .setup = setup_full_of_three,
     .role = {warm, op_take_two_settle, false}, .other = PUTTER, .helpers = 2},
    {"close, two takers sleep", .setup = setup_both_empty,
     .role = {NULL, op_close, false}, .other = TAKER, .helpers = 2},
    {"close, two putters sleep", .setup = setup_full_of_three,
     .role = {NULL, op_close, false}, .other = PUTTER, .helpers = 2},
    {"settle, a putter sleeps for memory", .limit = (uint64_t)1 << 20,
     .setup = setup_memory, .role = {NULL, op_take_settle, false},
     .other = {warm_run, op_put, false}},
    {"settle of a span's last block, a putter sleeps for memory",
     .limit = (uint64_t)1 << 20, .setup = setup_last_block,
     .role = {NULL, op_take_settle, false}, .other = {warm_run, op_put, false}},
};
const size_t n_watched_scenarios = sizeof(watched_scenarios) / sizeof(*watched_scenarios);

const struct scenario woken_scenarios[] = {
    {"woken taker", .setup = setup_both_empty, .role = TAKER, .other = TAKER,
     .poke = poke_put},
    {"woken taker, which keeps it", .setup = setup_both_empty,
     .role = {warm, op_wait_take, false}, .other = TAKER, .poke = poke_put},
    {"woken taker, two messages", .setup = setup_both_empty, .role = TAKER,
     .other = TAKER, .poke = poke_put_two},
    {"woken putter", .setup = setup_full_of_three, .role = PUTTER, .other = PUTTER,
     .poke = poke_take},
    {"woken by a close", .setup = setup_both_empty, .role = TAKER, .other = TAKER,
     .poke = op_close},
};
const size_t n_woken_scenarios = sizeof(woken_scenarios) / sizeof(*woken_scenarios);
