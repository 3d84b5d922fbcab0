/* A victim stands at some instruction while a helper does something else. */
#include "torture/support/scenarios.h"

#include "share/layout.h"
#include "share/object.h"

static const unsigned char nothing[100];

static void warm(void) {
  churn(1, 1, 100);
}

static void setup_handles(void) {
  setup_three();
  make_queue(2, 0, MC_RETURN);
  make_queue(3, 0, MC_RETURN);
  prepare(4, 1, 100, 3);
  put_prepared(1, MC_NOW);
}

static void warm_handles(void) {
  prepare(0, 1, 100, 3);
}

static void op_take_handles(void) {
  take(1, 1, MC_NOW);
  settle_taken();
}

/* A run is in the queue, another one is free. */
static void setup_runs(void) {
  setup_three();
  put(1, 4, 1, 33000);
  put(1, 5, 1, 33000);
  take(1, 1, MC_NOW);
  settle_taken();
}

static void op_take_run(void) {
  take(1, 1, MC_NOW);
  settle_taken();
}

static void op_make_drop(void) {
  const struct mc_queue_options options = {0, MC_RETURN};
  struct mc_message message = {.bytes = nothing, .length = sizeof(nothing)};
  mc_ref queue;
  if (mc_queue_create(&options, &queue) != 0)
    fail("no queue");
  mc_queue_try_put(queue, &message, 1);
  mc_object_drop(queue);
}

static void op_reserve_cancel(void) {
  struct mc_member member;
  if (mc_member_reserve(&member) != 0)
    fail("no member");
  mc_member_cancel(member);
}

static void op_leave(void) {
  mc_member_leave();
}

static void op_nothing(void) {}

static void op_reap(void) {
  mc_members_reap();
}

static void op_stats(void) {
  struct mc_space_stats stats;
  mc_space_stats(&stats);
}

#define PUT                                                                              \
  { warm_put, op_put, false }
#define SETTLE                                                                           \
  { warm, op_take_settle, false }

const struct scenario mixed_scenarios[] = {
    {"put beside a take", .setup = setup_three, .role = PUT, .other = SETTLE},
    {"take beside a put", .setup = setup_three, .role = SETTLE, .other = PUT},
    {"put, new segment, beside a take", .setup = setup_last_entry, .role = PUT,
     .other = SETTLE, .helpers = 2},
    {"take at a segment's end beside a put", .setup = setup_head_at_end, .role = SETTLE,
     .other = PUT, .helpers = 2},
    {"put into a full queue beside a take", .setup = setup_full_of_three, .role = SETTLE,
     .other = PUT},
    {"put beside a close", .setup = setup_three, .role = PUT,
     .other = {NULL, op_close, false}},
    {"close beside a put", .setup = setup_three, .role = {NULL, op_close, false},
     .other = PUT},
    {"put with handles beside a settle of some", .setup = setup_handles,
     .role = {warm_handles, op_put, false}, .other = {NULL, op_take_handles, false}},
    {"settle of handles beside a put of some", .setup = setup_handles,
     .role = {NULL, op_take_handles, false}, .other = {warm_handles, op_put, false}},
    {"put of a run beside a settle of one", .setup = setup_runs,
     .role = {warm_run, op_put, false}, .other = {NULL, op_take_run, false}},
    {"settle of a run beside a put of one", .setup = setup_runs,
     .role = {NULL, op_take_run, false}, .other = {warm_run, op_put, false}},
    {"put beside one who leaves", .setup = setup_three, .role = PUT,
     .other = {NULL, op_nothing, false}},
    {"leave beside a put", .setup = setup_three, .role = {warm, op_leave, false},
     .other = PUT},
    {"leave beside one who has a child", .setup = setup_three,
     .role = {warm, op_leave, false}, .other = {NULL, op_reserve_cancel, false}},
    {"having a child beside a queue's life", .setup = setup_three,
     .role = {NULL, op_reserve_cancel, false}, .other = {NULL, op_make_drop, false}},
    {"a queue's life beside a reaper", .setup = setup_three,
     .role = {NULL, op_make_drop, false}, .other = {NULL, op_reap, false}},
    {"put beside one who counts", .setup = setup_three, .role = PUT,
     .other = {NULL, op_stats, false}},
};
const size_t n_mixed_scenarios = sizeof(mixed_scenarios) / sizeof(*mixed_scenarios);
