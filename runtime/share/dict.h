/* A dict: entries by key, for any number of readers and writers.
 *
 * Every operation happens as a whole or, when its process dies inside, not at all, and is
 * seen by the others as a whole. Entries have versions: one that changes with each write
 * to it and is never used twice for a key. Handles in values keep their objects alive. */
#ifndef MC_SHARE_DICT_H
#define MC_SHARE_DICT_H

#include "share/value.h"

/* Makes an empty dict, held once by this process. 0 or MC_NOMEM. */
int mc_dict_create(mc_ref *dict);

/* Appends a copy of the value to the batch. 1: found. 0: there is no such entry. -ENOMEM
 * for private memory, MC_NOMEM for shared. */
int mc_dict_get(mc_ref dict, const struct mc_key *key, struct mc_batch *batch);

bool mc_dict_has(mc_ref dict, const struct mc_key *key);

/* Writes an entry; MC_NOTHING removes it. 0, MC_NOMEM or MC_TOOBIG: nothing changed. */
int mc_dict_set(mc_ref dict, const struct mc_key *key, const struct mc_value *value);

/* Takes an entry out; its value is appended to the batch. As mc_dict_get; on an error it
 * stays. */
int mc_dict_pop(mc_ref dict, const struct mc_key *key, struct mc_batch *batch);

/* Writes the value if there is no entry. 1: there was one, and it was appended to the
 * batch. 0: written. Or an error of get and set. */
int mc_dict_set_default(mc_ref dict, const struct mc_key *key,
                        const struct mc_value *value, struct mc_batch *batch);

/* Adds `by` to a number; an entry that is not there counts as `init`. The result is put
 * to *result. 0, MC_NOTNUMBER (the entry is something else) or MC_NOMEM. Integers wrap
 * around; with a float on either side the result is one. */
int mc_dict_increment(mc_ref dict, const struct mc_key *key, const struct mc_value *by,
                      const struct mc_value *init, struct mc_value *result);

/* Writes `value` if the entry equals `old`; MC_NOTHING stands for no entry, in both. 1:
 * written. 0: it did not equal. MC_NOMEM, MC_TOOBIG. */
int mc_dict_compare_set(mc_ref dict, const struct mc_key *key, const struct mc_value *old,
                        const struct mc_value *value);

/* The same, if the entry still has that version; 0 is that of no entry. */
int mc_dict_version_set(mc_ref dict, const struct mc_key *key, uint64_t version,
                        const struct mc_value *value);

/* For a read, a computation without any lock, and mc_dict_version_set: who has tried in
 * vain takes a turn. While it is taken, other writers to the dict hold back, each for
 * 20 ms at most; so a computation faster than that gets through. Waits for the turn of
 * another. A turn is a courtesy, not a lock: a dead holder's is free. */
void mc_dict_turn_take(mc_ref dict);
void mc_dict_turn_end(mc_ref dict);

/* Writes n entries at once: all of them or, on an error, none. The keys must differ, and
 * no value may be MC_NOTHING. 0, MC_NOMEM or MC_TOOBIG. */
int mc_dict_update(mc_ref dict, const struct mc_key *keys, const struct mc_value *values,
                   size_t n);

/* Takes everything out. 0 or MC_NOMEM. */
int mc_dict_clear(mc_ref dict);

/* Entries, exact at an instant. */
uint64_t mc_dict_size(mc_ref dict);

/* Appends some entries at and behind the cursor, which starts with 0, and moves it. What
 * is there all the time between the first call and the last is seen exactly once,
 * whatever others write meanwhile. Values of more than `most` bytes, or with handles, are
 * MC_ASK. The number of entries appended, 0 at the end, or an error of mc_dict_get with
 * the cursor as it was. */
int mc_dict_next(mc_ref dict, uint64_t *cursor, size_t most, struct mc_batch *batch);

#endif
