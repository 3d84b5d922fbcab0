/* Error objects. */
#ifndef MC_EMBED_ERROR_H
#define MC_EMBED_ERROR_H

#include "include/mooncrew.h"

struct mooncrew_error {
  int code;
  int signal;    /* 0: none */
  int exit_code; /* -1: none */
  mooncrew_task task;
  const char *message, *traceback, *kind; /* behind the struct */
};

/* Makes an error; never NULL: without memory it has its code, and for a message what that
 * means. */
mooncrew_error *embed_error_new(int code, const char *message, const char *traceback,
                                const char *kind);

/* It is such a one: shared by all, so not to be written to. */
bool embed_is_bare(const mooncrew_error *error);

/* If `error` is not NULL, *error is a new one with that message. Returns `code`. */
int embed_fail(mooncrew_error **error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a negated errno: MOONCREW_ENOMEM or MOONCREW_ESYSTEM. */
int embed_fail_system(mooncrew_error **error, int code, const char *what);

/* Gives the caller what is known of an error that it does not free itself. */
int embed_give(mooncrew_error **out, mooncrew_error *error);

#endif
