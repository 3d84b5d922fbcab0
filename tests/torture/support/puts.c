/* Victims that put. */
#include "torture/support/scenarios.h"

#include "base/error.h"
#include "os/clock.h"
#include "share/layout.h"

#define SMALL_SPACE ((uint64_t)1 << 20)
#define A_RUN       33000u /* bytes, too many for the size classes */
#define A_MOMENT    200000u

static void two_queues(uint64_t maxsize) {
  make_queue(0, maxsize, MC_RETURN);
  make_queue(1, 0, MC_RETURN);
  churn(1, 1, 100);
}

static void put_three(void) {
  for (unsigned i = 1; i <= 3; i++)
    put(0, i, 1, 100);
}

void setup_three(void) {
  two_queues(0);
  put_three();
}

void setup_full_of_three(void) {
  two_queues(3);
  put_three();
}

void setup_last_entry(void) {
  two_queues(0);
  churn(0, MC_SEGMENT_ENTRIES - 3, 10);
  put_three();
}

static void setup_batch_edge(void) {
  two_queues(0);
  churn(0, MC_SEGMENT_ENTRIES - 5, 10);
  put_three();
}

static void setup_empty(void) {
  make_queue(0, 0, MC_RETURN);
}

static void setup_bury(void) {
  make_queue(0, 0, MC_BURY);
  make_queue(1, 0, MC_RETURN);
  churn(1, 1, 100);
  put_three();
}

static void setup_handles(void) {
  two_queues(0);
  make_queue(2, 0, MC_RETURN);
  make_queue(3, 0, MC_RETURN);
  put_three();
}

void warm_put(void) {
  churn(1, 1, 100);
  prepare(0, 1, 100, 0);
}

void warm_batch(void) {
  churn(1, 1, 100);
  prepare(0, 5, 100, 0);
}

static void warm_segment(void) {
  churn(1, MC_SEGMENT_ENTRIES + 1, 100);
  prepare(0, 1, 100, 0);
}

static void cold(void) {
  prepare(0, 1, 100, 0);
}

static void cold_uncarved(void) {
  prepare(0, 1, 900, 0);
}

void warm_run(void) {
  prepare(0, 1, A_RUN, 0);
}

static void warm_handles(void) {
  churn(1, 1, 100);
  prepare(0, 1, 100, 3);
}

static void warm_many_handles(void) {
  churn(1, 1, 100);
  prepare(0, 1, 100, 20);
}

static void warm_batch_handles(void) {
  churn(1, 1, 100);
  prepare(0, 3, 100, 2);
}

static void too_big(void) {
  prepare(0, 1, SMALL_SPACE, 0);
}

void op_put(void) {
  put_prepared(0, MC_FOREVER);
}

static void op_put_now(void) {
  put_prepared(0, MC_NOW);
}

static void op_put_a_moment(void) {
  put_prepared(0, mc_now() + A_MOMENT);
}

void op_close(void) {
  close_noted(0);
}

static void op_put_close(void) {
  put_prepared(0, MC_FOREVER);
  close_noted(0);
}

static void setup_closed(void) {
  setup_three();
  close_noted(0);
}

static void expect(int rc) {
  if (ledger->done[0] && ledger->result[0] != rc)
    fail("the put gave %d, not %d", ledger->result[0], rc);
}

static void one(void) {
  expect(1);
}

static void five(void) {
  expect(5);
}

static void full(void) {
  expect(MC_FULL);
}

static void closed(void) {
  expect(MC_CLOSED);
}

static void toobig(void) {
  expect(MC_TOOBIG);
}

static void small_setup(void) {
  two_queues(0);
  put_three();
}

const struct scenario put_scenarios[] = {
    {"put, first of its queue, to carve", .setup = setup_empty,
     .role = {cold_uncarved, op_put, false}, .check = one},
    {"put, to carve", .setup = setup_three, .role = {cold_uncarved, op_put, false},
     .check = one},
    {"put, from the depot", .setup = setup_three, .role = {cold, op_put, false},
     .check = one},
    {"put warm", .setup = setup_three, .role = {warm_put, op_put, false}, .check = one},
    {"put, new segment", .setup = setup_last_entry, .role = {warm_put, op_put, false},
     .check = one},
    {"put, new segment warm", .setup = setup_last_entry,
     .role = {warm_segment, op_put, false}, .check = one},
    {"put of 5", .setup = setup_three, .role = {warm_batch, op_put, false},
     .check = five},
    {"put of 5 over segments", .setup = setup_batch_edge,
     .role = {warm_batch, op_put, false}, .check = five},
    {"put of a run", .setup = setup_three, .role = {warm_run, op_put, false},
     .check = one},
    {"put with handles", .setup = setup_handles, .role = {warm_handles, op_put, false},
     .check = one},
    {"put with many handles", .setup = setup_handles,
     .role = {warm_many_handles, op_put, false}, .check = one},
    {"put of 3 with handles", .setup = setup_handles,
     .role = {warm_batch_handles, op_put, false}},
    {"put that is buried later", .setup = setup_bury, .role = {warm_put, op_put, false},
     .check = one},
    {"put into a full queue", .setup = setup_full_of_three,
     .role = {warm_put, op_put_now, false}, .check = full},
    {"put into a full queue, a moment", .setup = setup_full_of_three,
     .role = {warm_put, op_put_a_moment, false}, .check = full},
    {"put into a closed queue", .setup = setup_closed, .role = {warm_put, op_put, false},
     .check = closed},
    {"put of too much", .limit = SMALL_SPACE, .setup = small_setup,
     .role = {too_big, op_put, false}, .check = toobig},
    {"close", .setup = setup_three, .role = {NULL, op_close, false}},
    {"put and close", .setup = setup_three, .role = {warm_put, op_put_close, false},
     .check = one},
};
const size_t n_put_scenarios = sizeof(put_scenarios) / sizeof(*put_scenarios);
