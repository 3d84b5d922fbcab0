#include "os/random.h"

#include "os/clock.h"

#include <sys/random.h>
#include <unistd.h>

uint64_t mc_random64(void) {
  uint64_t bits;
  if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) == (ssize_t)sizeof(bits))
    return bits;
  return mc_now() * 0x9e3779b97f4a7c15u ^ (uint64_t)getpid() << 40;
}
