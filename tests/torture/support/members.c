/* Victims that come, leave and have children. */
#include "torture/support/scenarios.h"

#include "base/error.h"
#include "share/layout.h"
#include "share/object.h"

static const unsigned char nothing[100];

/* More queues than fit into a slot. */
static void setup_many(void) {
  setup_three();
  for (unsigned i = 2; i < MC_HOLDS_INLINE + 2; i++)
    make_queue(i, 0, MC_RETURN);
}

static void setup_bury(void) {
  make_queue(0, 0, MC_BURY);
  make_queue(1, 0, MC_RETURN);
  churn(1, 1, 100);
  for (unsigned i = 1; i <= 3; i++)
    put(0, i, 1, 100);
}

/* A bit of everything: magazines, leases, queues of its own inside messages of others. */
static void warm_rich(void) {
  const struct mc_queue_options options = {0, MC_RETURN};
  mc_ref own[2];
  for (unsigned i = 0; i < 2; i++)
    if (mc_queue_create(&options, &own[i]) != 0)
      fail("no queue");
  struct mc_message plain = {.bytes = nothing, .length = sizeof(nothing)};
  struct mc_message with = {
      .bytes = nothing, .length = sizeof(nothing), .handles = &own[1], .n_handles = 1};
  struct mc_lease lease;
  mc_queue_try_put(own[1], &plain, 1);
  mc_queue_try_put(own[0], &with, 1);
  mc_queue_try_put(queues[1], &plain, 1);
  mc_queue_try_take(queues[1], &lease, 1);
  take(0, 2, MC_NOW);
  prepare(0, 2, 100, 0);
}

static void op_reserve(void) {
  struct mc_member member;
  if (mc_member_reserve(&member) != 0)
    fail("no member");
}

static void op_reserve_cancel(void) {
  struct mc_member member;
  if (mc_member_reserve(&member) != 0)
    fail("no member");
  mc_member_cancel(member);
}

static void cold(void) {
  prepare(0, 1, 100, 0);
}

static void op_adopt_put(void) {
  if (mc_member_adopt(own_member) == 0)
    op_put();
}

static void op_leave(void) {
  mc_member_leave();
}

static void op_drop_all_leave(void) {
  for (unsigned i = 0; i < QUEUES; i++)
    if (queues[i])
      mc_object_drop(queues[i]);
  mc_member_leave();
}

static void op_reap(void) {
  mc_members_reap();
}

const struct scenario member_scenarios[] = {
    {"reserve", .setup = setup_three, .role = {NULL, op_reserve, false}},
    {"reserve with many holds", .setup = setup_many, .role = {NULL, op_reserve, false}},
    {"reserve and cancel", .setup = setup_three,
     .role = {NULL, op_reserve_cancel, false}},
    {"adopt and put", .setup = setup_three, .role = {cold, op_adopt_put, true}},
    {"leave", .setup = setup_three, .role = {NULL, op_leave, false}},
    {"leave with a bit of everything", .setup = setup_three,
     .role = {warm_rich, op_leave, false}},
    {"drop all and leave", .setup = setup_three,
     .role = {NULL, op_drop_all_leave, false}},
    {"reap nobody", .setup = setup_three, .role = {NULL, op_reap, false}},
};
const size_t n_member_scenarios = sizeof(member_scenarios) / sizeof(*member_scenarios);

const struct scenario coming_scenarios[] = {
    {"adopt and put, a taker sleeps", .setup = setup_both_empty,
     .role = {cold, op_adopt_put, true}, .other = {NULL, op_wait_take_settle, false}},
};
const size_t n_coming_scenarios = sizeof(coming_scenarios) / sizeof(*coming_scenarios);

#define REAP .other = {NULL, op_reap, false}
#define RICH .role = {warm_rich, op_put, false}

const struct scenario reaped_scenarios[] = {
    {"reap one that was idle", .setup = setup_three, .role = {NULL, op_put, false}, REAP},
    {"reap one with much, preparing", .setup = setup_three, RICH, REAP, .dies_at = 150},
    {"reap one with much, in a put", .setup = setup_three, RICH, REAP, .dies_at = 420},
    {"reap one with much, after a put", .setup = setup_three, RICH, REAP,
     .dies_at = 100000},
    {"reap one that is buried", .setup = setup_bury, RICH, REAP, .dies_at = 300},
    {"reap a parent", .setup = setup_many, .role = {NULL, op_reserve, false}, REAP,
     .dies_at = 3000},
    {"reap one that leaves", .setup = setup_three, .role = {warm_rich, op_leave, false},
     REAP, .dies_at = 500},
};
const size_t n_reaped_scenarios = sizeof(reaped_scenarios) / sizeof(*reaped_scenarios);
