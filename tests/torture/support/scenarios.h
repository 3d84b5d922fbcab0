/* The scenarios, by what the victim does. docs/recovery.md says which states they cover.
 */
#ifndef TORTURE_SCENARIOS_H
#define TORTURE_SCENARIOS_H

#include "torture/support/scenario.h"

extern const struct scenario put_scenarios[];
extern const size_t n_put_scenarios;
extern const struct scenario take_scenarios[];
extern const size_t n_take_scenarios;
extern const struct scenario memory_scenarios[];
extern const size_t n_memory_scenarios;
extern const struct scenario object_scenarios[];
extern const size_t n_object_scenarios;
extern const struct scenario member_scenarios[];
extern const size_t n_member_scenarios;
extern const struct scenario reaped_scenarios[]; /* for kill_reaped */
extern const size_t n_reaped_scenarios;
extern const struct scenario watched_scenarios[]; /* for kill_watched */
extern const size_t n_watched_scenarios;
extern const struct scenario woken_scenarios[]; /* for kill_woken */
extern const size_t n_woken_scenarios;
extern const struct scenario coming_scenarios[]; /* for kill_supervised */
extern const size_t n_coming_scenarios;
extern const struct scenario mixed_scenarios[]; /* for kill_beside: `other` differs */
extern const size_t n_mixed_scenarios;

/* What several of them set up and do. */
void setup_both_empty(void); /* no message in queue 0 and 1 */
void setup_three(void);      /* queue 0 has messages 1, 2, 3; queue 1 is for churning */
void setup_full_of_three(void); /* the same, and queue 0 is full */
void setup_last_entry(void);    /* the segment of queue 0 is full with message 3 */
void setup_head_at_end(void); /* message 1 is the first of its segment, not the head's */
void setup_returned(void);    /* messages 1 and 2 were taken and came back */
void setup_memory_full(void); /* 1 MiB, all of it in runs of fillers in queue 0 */
void warm_put(void);          /* prepares a message of 100 bytes, its class is at hand */
void warm_batch(void);
void warm_run(void); /* prepares a message that is a run of spans */ /* five of them */
void op_put(void);  /* puts what was prepared into queue 0 */
void op_take(void); /* takes one, if it is there */
void op_take_settle(void);
void op_take_two_settle(void);
void op_wait_take_settle(void); /* waits for one */
void op_close(void);
void fill_memory(void);

#endif
