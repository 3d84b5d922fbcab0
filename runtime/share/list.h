/* A list: a deque of values with an index, for any number of readers and writers. Indices
 * begin with 0 here.
 *
 * Every operation happens as a whole or, when its process dies inside, not at all, and is
 * seen by the others as a whole. The version of a list changes with each write. */
#ifndef MC_SHARE_LIST_H
#define MC_SHARE_LIST_H

#include "share/value.h"

/* Makes an empty list, held once by this process. 0 or MC_NOMEM. */
int mc_list_create(mc_ref *list);

/* Makes an MC_KIND_VALUE: a list of exactly one value. 0, MC_NOMEM or MC_TOOBIG. */
int mc_value_create(const struct mc_value *initial, mc_ref *value);

uint64_t mc_list_size(mc_ref list);
uint64_t mc_list_version(mc_ref list);

/* Appends a copy of element i to the batch. 1: found. 0: there is no such index. -ENOMEM
 * for private memory, MC_NOMEM for shared. */
int mc_list_get(mc_ref list, uint64_t i, struct mc_batch *batch);

/* Appends copies of up to n elements from number i on, as they are at one instant, and
 * stops early when they have more than `most` bytes together. How many; *version is the
 * list's at that instant. -ENOMEM, MC_NOMEM. */
int64_t mc_list_slice(mc_ref list, uint64_t i, uint64_t n, size_t most, uint64_t *version,
                      struct mc_batch *batch);

/* Writes element i; i == size appends. 0, MC_RANGE, MC_NOMEM, MC_TOOBIG. */
int mc_list_set(mc_ref list, uint64_t i, const struct mc_value *value);

/* Appends n values, all or none. */
int mc_list_append(mc_ref list, const struct mc_value *values, size_t n);
int mc_list_append_left(mc_ref list, const struct mc_value *value);

/* Takes an element out; its value is appended to the batch. 1, or 0 when the list is
 * empty; as mc_list_get. */
int mc_list_pop(mc_ref list, struct mc_batch *batch);
int mc_list_pop_left(mc_ref list, struct mc_batch *batch);

/* Puts a value before element i (i == size: at the end). 0, MC_RANGE, MC_NOMEM,
 * MC_TOOBIG. In the middle it takes time and memory for a copy of the cells. */
int mc_list_insert(mc_ref list, uint64_t i, const struct mc_value *value);

/* Takes element i out. 1, MC_RANGE, or as mc_list_pop. */
int mc_list_take(mc_ref list, uint64_t i, struct mc_batch *batch);

/* The index of the first element from number *i on that equals the value. 1: *i is it. 0:
 * none does. */
int mc_list_find(mc_ref list, const struct mc_value *value, uint64_t *i);

/* How many elements equal the value. */
uint64_t mc_list_count(mc_ref list, const struct mc_value *value);

/* Takes out the first element that equals the value. 1, 0: none does; MC_NOMEM. */
int mc_list_remove(mc_ref list, const struct mc_value *value);

/* 0 or MC_NOMEM. */
int mc_list_reverse(mc_ref list);
int mc_list_clear(mc_ref list);

/* Element i becomes what element order[i] was. 0; MC_CHANGED when the version is another
 * or n is not the size; MC_NOMEM. Each number below n must be there once. */
int mc_list_permute(mc_ref list, uint64_t version, const uint64_t *order, uint64_t n);

/* Adds to the number at i. 0, MC_RANGE, MC_NOTNUMBER. */
int mc_list_increment(mc_ref list, uint64_t i, const struct mc_value *by,
                      struct mc_value *result);

/* Writes `value` if element i equals `old`. 1, 0: it does not, MC_RANGE, MC_NOMEM,
 * MC_TOOBIG. */
int mc_list_compare_set(mc_ref list, uint64_t i, const struct mc_value *old,
                        const struct mc_value *value);

#endif
