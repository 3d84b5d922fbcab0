/* Victims that make, hold and drop queues. Messages of queues that die with their victim
 * are fillers: nobody asks for them. */
#include "torture/support/scenarios.h"

#include "base/error.h"
#include "share/layout.h"
#include "share/object.h"

#define PRIVATE 10 /* index of the first queue that the victim alone has */

static const unsigned char nothing[100];

static void make(unsigned queue) {
  const struct mc_queue_options options = {0, MC_RETURN};
  if (mc_queue_create(&options, &queues[queue]) != 0)
    fail("no queue %u", queue);
}

static void put_with(unsigned queue, const mc_ref *handles, uint32_t n) {
  struct mc_message message = {
      .bytes = nothing, .length = sizeof(nothing), .handles = handles, .n_handles = n};
  if (mc_queue_try_put(queues[queue], &message, 1) != 1)
    fail("a filler was not put");
}

static void setup(void) {
  setup_three();
}

/* One more queue than fits into a slot: with those of setup_three. */
static void setup_many(void) {
  setup_three();
  for (unsigned i = 2; i < MC_HOLDS_INLINE + 1; i++)
    make_queue(i, 0, MC_RETURN);
}

static void setup_all_inline(void) {
  setup_three();
  for (unsigned i = 2; i < MC_HOLDS_INLINE; i++)
    make_queue(i, 0, MC_RETURN);
}

static void warm_empty(void) {
  make(PRIVATE);
}

static void warm_content(void) {
  make(PRIVATE);
  for (int i = 0; i < 3; i++)
    put_with(PRIVATE, NULL, 0);
}

/* PRIVATE ─ message ─► + 1 ─ message ─► + 2, and a message in the last one. */
static void warm_nested(void) {
  for (unsigned i = 0; i < 3; i++)
    make(PRIVATE + i);
  put_with(PRIVATE, &queues[PRIVATE + 1], 1);
  put_with(PRIVATE + 1, &queues[PRIVATE + 2], 1);
  put_with(PRIVATE + 2, NULL, 0);
  mc_object_drop(queues[PRIVATE + 1]);
  mc_object_drop(queues[PRIVATE + 2]);
}

/* Two queues that refer to each other's messages and to a common one. */
static void warm_settle_last(void) {
  make(PRIVATE);
  make(PRIVATE + 1);
  put_with(PRIVATE + 1, NULL, 0);
  put_with(PRIVATE + 1, NULL, 0);
  put_with(PRIVATE, &queues[PRIVATE + 1], 1);
  mc_object_drop(queues[PRIVATE + 1]);
}

static struct mc_lease in_hand[2];

static void warm_in_hand(void) {
  warm_content();
  if (mc_queue_try_take(queues[PRIVATE], in_hand, 2) != 2)
    fail("no filler to take");
}

static void warm_returned(void) {
  warm_in_hand();
  mc_lease_return(&in_hand[1]);
  mc_lease_return(&in_hand[0]);
}

static void op_make(void) {
  make(PRIVATE);
}

static void op_make_drop(void) {
  make(PRIVATE);
  mc_object_drop(queues[PRIVATE]);
}

static void op_make_above(void) {
  make(QUEUES - 1);
}

static void op_drop(void) {
  mc_object_drop(queues[PRIVATE]);
}

static void op_drop_shared(void) {
  mc_object_drop(queues[1]);
}

static void op_hold_again(void) {
  mc_object_drop(queues[1]);
}

static void op_take_settle_last(void) {
  struct mc_lease lease;
  if (mc_queue_try_take(queues[PRIVATE], &lease, 1) == 1)
    mc_lease_settle(&lease);
}

static void op_hold_settle(void) {
  struct mc_lease lease;
  if (mc_queue_try_take(queues[PRIVATE], &lease, 1) != 1)
    return;
  mc_object_hold(lease.handles[0]);
  mc_lease_settle(&lease);
  mc_object_drop(queues[PRIVATE + 1]);
}

static void op_drop_settle(void) {
  mc_object_drop(queues[PRIVATE]);
  mc_lease_settle(&in_hand[0]);
  mc_lease_settle(&in_hand[1]);
}

static void op_drop_return(void) {
  mc_object_drop(queues[PRIVATE]);
  mc_lease_return(&in_hand[0]);
  mc_lease_return(&in_hand[1]);
}

static void op_drop_hold(void) {
  mc_object_drop(queues[PRIVATE]);
  mc_object_hold(queues[PRIVATE]);
  mc_lease_settle(&in_hand[0]);
}

const struct scenario object_scenarios[] = {
    {"make a queue", .setup = setup, .role = {NULL, op_make, false}},
    {"make and drop a queue", .setup = setup, .role = {NULL, op_make_drop, false}},
    {"make one queue more than fits", .setup = setup_all_inline,
     .role = {NULL, op_make_above, false}},
    {"drop one queue more than fits", .setup = setup_many,
     .role = {NULL, op_drop_shared, false}},
    {"drop a queue of others", .setup = setup, .role = {NULL, op_hold_again, false}},
    {"drop an empty queue", .setup = setup, .role = {warm_empty, op_drop, false}},
    {"drop a queue with messages", .setup = setup,
     .role = {warm_content, op_drop, false}},
    {"drop a queue with returned ones", .setup = setup,
     .role = {warm_returned, op_drop, false}},
    {"drop nested queues", .setup = setup, .role = {warm_nested, op_drop, false}},
    {"settle the last handle", .setup = setup,
     .role = {warm_settle_last, op_take_settle_last, false}},
    {"hold from a message, settle, drop", .setup = setup,
     .role = {warm_settle_last, op_hold_settle, false}},
    {"drop, then settle what is in hand", .setup = setup,
     .role = {warm_in_hand, op_drop_settle, false}},
    {"drop, then return what is in hand", .setup = setup,
     .role = {warm_in_hand, op_drop_return, false}},
    {"drop, hold again, settle", .setup = setup,
     .role = {warm_in_hand, op_drop_hold, false}},
};
const size_t n_object_scenarios = sizeof(object_scenarios) / sizeof(*object_scenarios);
