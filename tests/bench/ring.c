/* The limit of traffic.lua: one process copies N messages of BYTES into a ring in shared
 * memory, another copies them out. No locks, no allocation, nothing that outlives a
 * death. bench_ring BYTES N; the check is how many arrived as they were sent. */
#include "bench/support/limit.h"

#include <string.h>

#define LINE       64
#define RING_BYTES ((size_t)1 << 18)
#define LEAST      4 /* messages in it, however large */
#define MOST       ((size_t)1 << 24)

struct ring {
  _Alignas(LINE) uint64_t head;  /* messages taken; written by the consumer */
  _Alignas(LINE) uint64_t tail;  /* messages put; written by the producer */
  _Alignas(LINE) uint64_t right; /* what the consumer found */
  _Alignas(LINE) unsigned char bytes[];
};

static struct ring *ring;
static size_t size;       /* of a message */
static uint64_t capacity; /* in messages, a power of two */

static void produce(unsigned char *message, uint64_t n) {
  uint64_t seen = 0;
  unsigned looks = 0;
  for (uint64_t i = 0; i < n; i++) {
    while (i - seen == capacity) {
      seen = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
      if (i - seen == capacity)
        look_again(&looks);
    }
    memcpy(message, &i, sizeof i);
    memcpy(ring->bytes + (i & (capacity - 1)) * size, message, size);
    __atomic_store_n(&ring->tail, i + 1, __ATOMIC_RELEASE);
  }
}

static void consume(unsigned char *message, uint64_t n) {
  uint64_t seen = 0, right = 0;
  unsigned looks = 0;
  for (uint64_t i = 0; i < n; i++) {
    while (i == seen) {
      seen = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
      if (i == seen)
        look_again(&looks);
    }
    uint64_t number;
    memcpy(message, ring->bytes + (i & (capacity - 1)) * size, size);
    memcpy(&number, message, sizeof number);
    right += number == i;
    __atomic_store_n(&ring->head, i + 1, __ATOMIC_RELEASE);
  }
  ring->right = right;
}

int main(int argc, char *argv[]) {
  long n = count_of(argc, argv, 1, "bench_ring BYTES N");
  size = (size_t)atol(argv[1]);
  if (size < sizeof(uint64_t) || size > MOST)
    return 2;
  capacity = LEAST;
  while (capacity * 2 * size <= RING_BYTES)
    capacity *= 2;
  ring = shared(sizeof *ring + capacity * size);
  unsigned char *message = calloc(1, size);
  if (!message)
    return 1;
  double start = now();
  pid_t consumer = fork_bound();
  if (consumer == 0) {
    consume(message, (uint64_t)n);
    _exit(0);
  }
  produce(message, (uint64_t)n);
  waitpid(consumer, NULL, 0);
  printf("%ld %.6f %llu\n", n, now() - start, (unsigned long long)ring->right);
  free(message);
  return 0;
}
