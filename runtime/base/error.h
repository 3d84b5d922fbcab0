/* Error codes of the runtime.
 *
 * Every function that can fail returns an int: 0 or a positive result on success, a
 * negative code on failure. Codes are either a negated errno ("weather" of the operating
 * system) or one of the list below. A bug is an assertion, never a code. */
#ifndef MC_BASE_ERROR_H
#define MC_BASE_ERROR_H

/* name, value, what it says to a person */
#define MC_ERROR_LIST(X)                                                                 \
  X(EMPTY, -5001, "empty")                                                               \
  X(FULL, -5002, "full")                                                                 \
  X(CLOSED, -5003, "closed")                                                             \
  X(TIMEOUT, -5004, "timed out")                                                         \
  X(CANCELLED, -5005, "cancelled")                                                       \
  X(INTERRUPTED, -5006, "interrupted")                                                   \
  X(NOMEM, -5007, "shared memory is exhausted")                                          \
  X(TOOBIG, -5008, "too big for the shared memory")                                      \
  X(NOSLOT, -5009, "too many processes share one memory")                                \
  X(STALE, -5010, "object does not exist any more")                                      \
  X(CORRUPT, -5011, "bytes are not a valid message")                                     \
  X(TOODEEP, -5012, "nested too deeply")                                                 \
  X(NOTNUMBER, -5013, "what is there is not a number")                                   \
  X(RANGE, -5014, "index out of range")                                                  \
  X(CHANGED, -5015, "somebody else wrote meanwhile")                                     \
  X(BUSY, -5016, "held by somebody else")                                                \
  X(DEADLOCK, -5017, "the caller holds it already, and would wait for itself")           \
  X(NOTHELD, -5018, "nobody holds it")                                                   \
  X(NOTOWNER, -5019, "the caller does not hold it")                                      \
  X(TOOMANY, -5020, "called too often")                                                  \
  X(BROKEN, -5021, "the barrier is broken")                                              \
  X(SKIPPED, -5022, "skipped: the joblog says that it is done")

enum mc_error {
#define MC_ERROR_ENUM(name, value, text) MC_##name = (value),
  MC_ERROR_LIST(MC_ERROR_ENUM)
#undef MC_ERROR_ENUM
};

/* The text of a code, an errno's included. Static storage or strerror's: valid until the
 * thread's next call. */
const char *mc_strerror(int error);

/* "Empty", "Full", …: the code's name as api.md spells a kind; "OSError" for an errno. */
const char *mc_error_kind(int error);

#endif
