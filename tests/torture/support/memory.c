/* Victims that meet the end of the memory, split and merge runs, or give spans back. */
#include "torture/support/scenarios.h"

#include "base/error.h"
#include "os/clock.h"
#include "share/layout.h"

#define SMALL_SPACE ((uint64_t)1 << 20)
#define A_RUN       33000u
#define A_MOMENT    200000u

static const unsigned char nothing[70000];

static int filler(unsigned queue, size_t length) {
  struct mc_message message = {.bytes = nothing, .length = length};
  return mc_queue_try_put(queues[queue], &message, 1);
}

static void settle_one(unsigned queue) {
  struct mc_lease lease;
  if (mc_queue_try_take(queues[queue], &lease, 1) != 1)
    fail("no filler to take");
  mc_lease_settle(&lease);
}

void fill_memory(void) {
  while (filler(0, A_RUN) == 1)
    continue;
}

static void two_queues(void) {
  make_queue(0, 0, MC_RETURN);
  make_queue(1, 0, MC_RETURN);
  churn(1, 1, 100);
}

void setup_memory_full(void) {
  two_queues();
  fill_memory();
}

/* Two spans are free. */
static void setup_memory_short(void) {
  setup_memory_full();
  settle_one(0);
  settle_one(0);
}

/* All memory is free, in blocks of 32 KiB in the depot. */
static void setup_to_purge(void) {
  two_queues();
  unsigned n = 0;
  while (filler(1, 32000) == 1)
    n++;
  while (n--)
    settle_one(1);
}

/* One free run of three spans. */
static void setup_run_free(void) {
  two_queues();
  for (unsigned i = 0; i < 4; i++)
    filler(1, A_RUN);
  for (unsigned i = 0; i < 3; i++)
    settle_one(1);
}

/* Message 1 is a run between two free ones, 2 is one that fits behind. */
static void setup_merge(void) {
  two_queues();
  filler(1, A_RUN);
  put(0, 1, 1, A_RUN);
  filler(1, A_RUN);
  put(0, 2, 1, A_RUN);
  settle_one(1);
  settle_one(1);
}

static void run(void) {
  prepare(0, 1, A_RUN, 0);
}

static void torn_runs(void) {
  prepare(0, 3, A_RUN, 0);
  for (unsigned i = 0; i < 3; i++)
    ledger->entry[id_of(i)].torn = 1;
}

static void op_put_now(void) {
  put_prepared(0, MC_NOW);
}

static void op_put_a_moment(void) {
  put_prepared(0, mc_now() + A_MOMENT);
}

static void expect(int rc) {
  if (ledger->done[0] && ledger->result[0] != rc)
    fail("the put gave %d, not %d", ledger->result[0], rc);
}

static void one(void) {
  expect(1);
}

static void two(void) {
  expect(2);
}

static void nomem(void) {
  expect(MC_NOMEM);
}

const struct scenario memory_scenarios[] = {
    {"put without memory", .limit = SMALL_SPACE, .setup = setup_memory_full,
     .role = {run, op_put_now, false}, .check = nomem},
    {"put without memory, a moment", .limit = SMALL_SPACE, .setup = setup_memory_full,
     .role = {run, op_put_a_moment, false}, .check = nomem},
    {"put of 3 with memory for 2", .limit = SMALL_SPACE, .setup = setup_memory_short,
     .role = {torn_runs, op_put_now, false}, .check = two},
    {"put after giving spans back", .limit = SMALL_SPACE, .setup = setup_to_purge,
     .role = {run, op_put_now, false}, .check = one},
    {"put into a part of a free run", .setup = setup_run_free,
     .role = {run, op_put_now, false}, .check = one},
    {"settle of a run between free ones", .setup = setup_merge,
     .role = {NULL, op_take_settle, false}, .check = one},
    {"settle of two runs", .setup = setup_merge,
     .role = {NULL, op_take_two_settle, false}, .check = two},
};
const size_t n_memory_scenarios = sizeof(memory_scenarios) / sizeof(*memory_scenarios);
