/* Kill tests of shared tables: one dict or list, a model of it before the operation and
 * one of it after. Whatever instruction the victim dies at, the table is one of the two;
 * the second when the operation returned.
 *
 *   a model: numbers by index; odd ones are kept as text, so that there are nodes too */
#ifndef TORTURE_TABLES_H
#define TORTURE_TABLES_H

#include "torture/support/scenario.h"

#include "share/value.h"

#define MODEL  60000
#define ABSENT INT64_MIN

struct model {
  int64_t value[MODEL];
  uint64_t n; /* of a list: its size; of a dict: keys 0 … n - 1 may be there */
};

extern struct model before, after;
extern mc_ref the_table;

/* The value that a number is kept as; of bytes when it is odd, good until the next. */
struct mc_value table_value(int64_t number);

/* The number that a copy stands for. */
int64_t table_number(const struct mc_batch *batch, size_t i);

/* queues[0], which every check needs, and an empty table. */
void setup_dict(void);
void setup_list(void);

/* After these, `after` is what `before` is, but for what the scenario changes in it. */
void dict_fill(uint64_t n); /* keys 0 … n - 1: value 2 * key, or 2 * key + 1 for every
                               third */
void list_fill(uint64_t n); /* the same by index */

/* For `check` of a scenario: compares, and lets go of the table. */
void check_dict(void);
void check_list(void);

/* Ways: as kill_alone and kill_beside, and others use the table before the reaping. */
kill_at kill_user_of_dict;
kill_at kill_user_of_list;

extern const struct scenario dict_scenarios[];
extern const size_t n_dict_scenarios;
extern const struct scenario dict_once_scenarios[]; /* to be done by one alone */
extern const size_t n_dict_once_scenarios;
extern const struct scenario dict_large_scenarios[];
extern const size_t n_dict_large_scenarios;
extern const struct scenario list_scenarios[];
extern const size_t n_list_scenarios;
extern const struct scenario list_once_scenarios[];
extern const size_t n_list_once_scenarios;

#endif
