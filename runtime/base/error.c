#include "base/error.h"

#include <errno.h>
#include <string.h>

const char *mc_strerror(int error) {
  switch (error) {
#define MC_ERROR_TEXT(name, value, text)                                                 \
  case value:                                                                            \
    return text;
    MC_ERROR_LIST(MC_ERROR_TEXT)
#undef MC_ERROR_TEXT
  case -EAGAIN: /* of all that is asked of the system here, fork alone says it */
    return "no further process can be had (see ulimit -u)";
  }
  return strerror(error < 0 ? -error : error);
}

const char *mc_error_kind(int error) {
  switch (error) {
  case MC_EMPTY:
    return "Empty";
  case MC_FULL:
    return "Full";
  case MC_CLOSED:
    return "Closed";
  case MC_TIMEOUT:
    return "Timeout";
  case MC_CANCELLED:
    return "Cancelled";
  case MC_INTERRUPTED:
    return "Interrupted";
  case MC_NOMEM:
  case MC_TOOBIG:
    return "NoMemory";
  case MC_NOSLOT:
    return "NoSlot";
  case MC_STALE:
    return "Stale";
  case MC_CORRUPT:
    return "Corrupt";
  case MC_TOODEEP:
    return "TooDeep";
  case MC_NOTNUMBER:
    return "NotNumber";
  case MC_RANGE:
    return "Range";
  case MC_CHANGED:
    return "Changed";
  case MC_BUSY:
    return "Busy";
  case MC_DEADLOCK:
    return "Deadlock";
  case MC_NOTHELD:
    return "NotHeld";
  case MC_NOTOWNER:
    return "NotOwner";
  case MC_TOOMANY:
    return "TooMany";
  case MC_BROKEN:
    return "BrokenBarrier";
  case MC_SKIPPED:
    return "Skipped";
  }
  return "OSError";
}
