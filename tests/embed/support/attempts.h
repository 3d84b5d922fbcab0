/* Each public function, called while memory fails: the rows of tests/embed/nomemory.c. */
#ifndef MC_TESTS_EMBED_ATTEMPTS_H
#define MC_TESTS_EMBED_ATTEMPTS_H

#include "embed/host.h"

/* What a call does when an allocation of its fails. */
enum outcome {
  NEVER,    /* it makes none */
  FAILS,    /* MOONCREW_ENOMEM */
  SURVIVES, /* it does without */
  EITHER
};

/* An attempt readies what the call needs, arms, calls, disarms, checks that what is there
 * can be used further, and frees it all. It returns the code of the call. */
struct attempt {
  const char *function; /* of mooncrew.h */
  int (*make)(void);
  enum outcome outcome;
  const char *how; /* NULL, or what is special about it */
};

extern const struct attempt value_attempts[], task_attempts[], object_attempts[];

/* Memory fails as the test wants between these two. */
void arm(void);
void disarm(void);

/* The error object says the same as the code; frees it. */
void check_error(int code, mooncrew_error *failure);

/* A new runtime with one worker; and its end: tasks in flight are done and a further one
 * as well. `code` is given back. */
mooncrew *begin_host(void);
int end_host(mooncrew *host, int code);

/* A list of values that has tables, strings and entries in it. */
mooncrew_values *some_values(void);

#endif
