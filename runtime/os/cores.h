/* The processors that this process may run on. */
#ifndef MC_OS_CORES_H
#define MC_OS_CORES_H

#include <stdint.h>

/* At least 1; affinity counts, quotas of a control group do not. */
uint32_t mc_cores(void);

/* Lets others that wait for this core go first. */
void mc_core_yield(void);

#endif
