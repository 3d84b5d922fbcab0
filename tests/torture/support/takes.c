/* Victims that take, settle and return. */
#include "torture/support/scenarios.h"

#include "base/error.h"
#include "share/cache.h"
#include "share/layout.h"

static void setup_edge(unsigned fillers) {
  make_queue(0, 0, MC_RETURN);
  make_queue(1, 0, MC_RETURN);
  churn(1, 1, 100);
  churn(0, fillers, 10);
  for (unsigned i = 1; i <= 3; i++)
    put(0, i, 1, 100);
}

void setup_head_at_end(void) {
  setup_edge(MC_SEGMENT_ENTRIES);
}

static void setup_edge_within(void) {
  setup_edge(MC_SEGMENT_ENTRIES - 1);
}

void setup_returned(void) {
  setup_three();
  if (take(0, 2, MC_NOW) != 2)
    fail("nothing to take");
  return_taken();
}

static void setup_closed(void) {
  setup_three();
  close_noted(0);
}

static void setup_closed_empty(void) {
  make_queue(0, 0, MC_RETURN);
  close_noted(0);
}

static void setup_bury(void) {
  make_queue(0, 0, MC_BURY);
  for (unsigned i = 1; i <= 3; i++)
    put(0, i, 1, 100);
}

static void op_take_two(void) {
  take(0, 2, MC_NOW);
}

static void setup_handles(unsigned n) {
  setup_three();
  make_queue(2, 0, MC_RETURN);
  make_queue(3, 0, MC_RETURN);
  while (take(0, 1, MC_NOW) == 1)
    settle_taken();
  prepare(4, 1, 100, n);
  put_prepared(0, MC_NOW);
}

static void setup_some_handles(void) {
  setup_handles(3);
}

static void setup_many_handles(void) {
  setup_handles(20);
}

/* Somebody has died with messages 1 and 2. */
static void setup_dead_letters(void) {
  static const struct role other = {NULL, op_take_two, false};
  setup_bury();
  struct actor dead = victim_start(ACTORS - 1, &other);
  victim_finish(&dead);
  actor_kill(&dead);
  mc_members_reap();
}

/* The victim's magazines are full: the next block that it frees goes to the depot. */
static void warm_full_magazines(void) {
  static const unsigned char nothing[100];
  struct mc_message message = {.bytes = nothing, .length = sizeof(nothing)};
  struct mc_lease leases[100];
  uint32_t class = mc_class_for(sizeof(nothing));
  const struct mc_magazines *m = &mc_self->magazines[class];
  for (unsigned i = 0; i < 100; i++)
    if (mc_queue_try_put(queues[1], &message, 1) != 1 ||
        mc_queue_try_take(queues[1], &leases[i], 1) != 1)
      fail("a filler was not put or not taken");
  for (unsigned i = 0; i < 100; i++)
    if (m->spare == 0 || m->n_loaded < mc_space->magazine[class])
      mc_lease_settle(&leases[i]);
  if (m->spare == 0 || m->n_loaded < mc_space->magazine[class])
    fail("magazines are not full");
}

void op_take(void) {
  take(0, 1, MC_NOW);
}

void op_take_settle(void) {
  take(0, 1, MC_NOW);
  settle_taken();
}

void op_take_two_settle(void) {
  take(0, 2, MC_NOW);
  settle_taken();
}

static void op_take_three_settle(void) {
  take(0, 3, MC_NOW);
  settle_taken();
}

static void op_take_return(void) {
  take(0, 1, MC_NOW);
  return_taken();
}

static void op_take_two_return(void) {
  take(0, 2, MC_NOW);
  return_taken();
}

static void op_take_dead_settle(void) {
  struct mc_lease lease;
  pid_t pid;
  struct mc_member who;
  if (mc_queue_take_dead(queues[0], &lease, &who, &pid) != 1)
    return;
  struct entry *entry = &ledger->entry[*(const unsigned *)(const void *)lease.bytes];
  entry->taken++;
  entry->settle = BEGUN;
  mc_lease_settle(&lease);
  entry->settle = OVER;
}

static void warm(void) {
  churn(1, 1, 100);
}

static void expect(int rc) {
  if (ledger->done[0] && ledger->result[0] != rc)
    fail("the take gave %d, not %d", ledger->result[0], rc);
}

static void one(void) {
  expect(1);
}

static void two(void) {
  expect(2);
}

static void three(void) {
  expect(3);
}

static void closed(void) {
  expect(MC_CLOSED);
}

/* What was in the victim's hands is among the dead letters. */
static void buried(void) {
  unsigned in_hand = 0;
  for (unsigned id = 1; id <= 3; id++)
    in_hand += ledger->entry[id].taken && ledger->entry[id].settle == NEVER;
  if (dead_letters(0) < in_hand)
    fail("%u dead letters, %u were in hand", dead_letters(0), in_hand);
}

const struct scenario take_scenarios[] = {
    {"take and settle, cold", .setup = setup_three, .role = {NULL, op_take_settle, false},
     .check = one},
    {"take and settle, warm", .setup = setup_three, .role = {warm, op_take_settle, false},
     .check = one},
    {"take", .setup = setup_three, .role = {warm, op_take, false}, .check = one},
    {"take of 2 and settle", .setup = setup_three,
     .role = {warm, op_take_two_settle, false}, .check = two},
    {"take at a segment's end", .setup = setup_head_at_end,
     .role = {warm, op_take_settle, false}, .check = one},
    {"take of 2 over segments", .setup = setup_edge_within,
     .role = {warm, op_take_two_settle, false}, .check = two},
    {"take of a returned one", .setup = setup_returned,
     .role = {warm, op_take_settle, false}, .check = one},
    {"take of returned and other ones", .setup = setup_returned,
     .role = {warm, op_take_three_settle, false}, .check = three},
    {"take and return", .setup = setup_three, .role = {warm, op_take_return, false},
     .check = one},
    {"take of 2 and return", .setup = setup_returned,
     .role = {warm, op_take_two_return, false}, .check = two},
    {"settle into full magazines", .setup = setup_three,
     .role = {warm_full_magazines, op_take_settle, false}, .check = one},
    {"take and settle, with handles", .setup = setup_some_handles,
     .role = {NULL, op_take_settle, false}, .check = one},
    {"take and settle, with many handles", .setup = setup_many_handles,
     .role = {NULL, op_take_settle, false}, .check = one},
    {"take and return, with handles", .setup = setup_some_handles,
     .role = {NULL, op_take_return, false}, .check = one},
    {"take from a closed queue", .setup = setup_closed,
     .role = {warm_put, op_take_settle, false}, .check = one},
    {"take from a closed, empty queue", .setup = setup_closed_empty,
     .role = {NULL, op_take_settle, false}, .check = closed},
    {"take of what is buried", .setup = setup_bury,
     .role = {NULL, op_take_two_settle, false}, .check = buried},
    {"take of a dead letter", .setup = setup_dead_letters,
     .role = {NULL, op_take_dead_settle, false}},
};
const size_t n_take_scenarios = sizeof(take_scenarios) / sizeof(*take_scenarios);
