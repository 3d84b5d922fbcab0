#include "os/clock.h"

#include <time.h>

mc_time mc_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (mc_time)t.tv_sec * 1000000000u + (mc_time)t.tv_nsec;
}

mc_time mc_deadline(double seconds) {
  if (!(seconds > 0))
    return MC_NOW;
  mc_time now = mc_now();
  if (seconds >= (double)(MC_FOREVER - now) / 1e9)
    return MC_FOREVER;
  return now + (mc_time)(seconds * 1e9);
}
