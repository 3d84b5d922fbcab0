#include "os/cores.h"

#include <sched.h>
#include <unistd.h>

uint32_t mc_cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
    return (uint32_t)CPU_COUNT(&set);
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (uint32_t)n : 1;
}

void mc_core_yield(void) {
  sched_yield();
}
