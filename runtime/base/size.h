/* Sizes as people write them: "256M", "2G", "4096". */
#ifndef MC_BASE_SIZE_H
#define MC_BASE_SIZE_H

#include <stdint.h>

/* The bytes that the text asks for; 0 when it is not a size (or is one of 0 bytes). The
 * units are K, M, G and T, powers of 1024, in either case. */
uint64_t mc_parse_size(const char *text);

#endif
