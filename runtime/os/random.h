/* Random bits from the kernel. */
#ifndef MC_OS_RANDOM_H
#define MC_OS_RANDOM_H

#include <stdint.h>

/* 64 random bits. Never fails: falls back to the clock and the pid early at boot. */
uint64_t mc_random64(void);

#endif
