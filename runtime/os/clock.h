/* Time on the monotonic clock. */
#ifndef MC_OS_CLOCK_H
#define MC_OS_CLOCK_H

#include <stdint.h>

/* A deadline in nanoseconds of CLOCK_MONOTONIC. */
typedef uint64_t mc_time;

#define MC_FOREVER UINT64_MAX
#define MC_NOW     ((mc_time)0) /* a deadline that has always passed: poll */

mc_time mc_now(void);

/* The deadline that is `seconds` from now; negative or 0 polls, too large is MC_FOREVER.
 */
mc_time mc_deadline(double seconds);

#endif
