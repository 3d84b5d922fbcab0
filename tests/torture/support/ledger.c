#include "torture/support/ledger.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LONGEST ((size_t)1 << 20)
#define HANDLES 24

struct ledger *ledger;
unsigned me;
mc_ref queues[QUEUES];

static struct mc_message batch[BATCH];
static unsigned batch_id[BATCH], batch_n;
static mc_ref handles[HANDLES];
static struct mc_lease leases[MC_LEASES];
static unsigned n_leases;
static unsigned char *bytes; /* of BATCH messages */

void ledger_open(void) {
  ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
  bytes = mmap(NULL, BATCH * LONGEST, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (ledger == MAP_FAILED || bytes == MAP_FAILED)
    abort();
}

void ledger_clear(void) {
  memset(ledger, 0, offsetof(struct ledger, k));
  memset(queues, 0, sizeof(queues));
  n_leases = 0;
}

void fail(const char *format, ...) {
  char text[300];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  snprintf(ledger->failure, sizeof(ledger->failure), "killed at %ld, %ld: %s", ledger->k,
           ledger->j, text);
  _exit(1);
}

unsigned id_of(unsigned n) {
  return me * 16 + n;
}

static unsigned char pattern(unsigned id, size_t i) {
  return (unsigned char)(id * 31 + i * 7);
}

void prepare(unsigned first, unsigned n, size_t length, unsigned n_handles) {
  for (unsigned i = 0; i < n_handles; i++)
    handles[i] = queues[1 + i % 3];
  for (unsigned b = 0; b < n; b++) {
    unsigned char *at = bytes + b * LONGEST;
    batch_id[b] = id_of(first + b);
    memcpy(at, &batch_id[b], sizeof(unsigned));
    for (size_t i = sizeof(unsigned); i < length; i++)
      at[i] = pattern(batch_id[b], i);
    batch[b] = (struct mc_message){
        .bytes = at, .length = length, .handles = handles, .n_handles = n_handles};
  }
  batch_n = n;
}

int put_prepared(unsigned queue, mc_time deadline) {
  uint32_t number = __atomic_add_fetch(&ledger->batches, 1, __ATOMIC_RELAXED);
  for (unsigned b = 0; b < batch_n; b++) {
    struct entry *entry = &ledger->entry[batch_id[b]];
    entry->batch = number;
    entry->queue = queue;
    entry->length = (uint32_t)batch[b].length;
    entry->handles = batch[b].n_handles;
    entry->put = BEGUN;
  }
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  int rc = mc_queue_put(queues[queue], batch, batch_n, deadline);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  ledger->result[me ? me - 1 : 0] = rc;
  for (int b = 0; b < rc; b++)
    ledger->entry[batch_id[b]].put = OVER;
  return rc;
}

void put(unsigned queue, unsigned first, unsigned n, size_t length) {
  prepare(first, n, length, 0);
  int rc = put_prepared(queue, MC_FOREVER);
  if (rc != (int)n)
    fail("a put of %u gave %d", n, rc);
}

void churn(unsigned queue, unsigned n, size_t length) {
  static const unsigned char nothing[4096];
  struct mc_message message = {.bytes = nothing, .length = length};
  struct mc_lease lease;
  for (unsigned i = 0; i < n; i++) {
    if (mc_queue_try_put(queues[queue], &message, 1) != 1 ||
        mc_queue_try_take(queues[queue], &lease, 1) != 1)
      fail("a filler was not put or not taken");
    mc_lease_settle(&lease);
  }
}

unsigned read_message(const struct mc_lease *lease) {
  unsigned id = 0;
  if (lease->length < sizeof(id))
    fail("a message of %zu bytes", lease->length);
  memcpy(&id, lease->bytes, sizeof(id));
  if (id == 0)
    return 0;
  if (id >= IDS || ledger->entry[id].put == NEVER)
    fail("message %u was never put", id);
  if (lease->length != ledger->entry[id].length ||
      lease->n_handles != ledger->entry[id].handles)
    fail("message %u has %zu bytes and %u handles, not %u and %u", id, lease->length,
         lease->n_handles, ledger->entry[id].length, ledger->entry[id].handles);
  for (size_t i = sizeof(id); i < lease->length; i++)
    if (lease->bytes[i] != pattern(id, i))
      fail("message %u is torn at byte %zu", id, i);
  for (unsigned i = 0; i < lease->n_handles; i++)
    if (lease->handles[i] != queues[1 + i % 3])
      fail("message %u has another handle %u", id, i);
  return id;
}

/* The id alone: takes are stepped through. */
static unsigned id_in(const struct mc_lease *lease) {
  unsigned id;
  memcpy(&id, lease->bytes, sizeof(id));
  return id < IDS ? id : 0;
}

int take(unsigned queue, unsigned n, mc_time deadline) {
  int rc = mc_queue_take(queues[queue], leases + n_leases, n, deadline);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  ledger->result[me ? me - 1 : 0] = rc;
  for (int i = 0; i < rc; i++)
    ledger->entry[id_in(&leases[n_leases++])].taken++;
  return rc;
}

void settle_taken(void) {
  while (n_leases) {
    struct mc_lease *lease = &leases[--n_leases];
    struct entry *entry = &ledger->entry[id_in(lease)];
    entry->settle = BEGUN;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    mc_lease_settle(lease);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    entry->settle = OVER;
  }
}

void return_taken(void) {
  while (n_leases)
    mc_lease_return(&leases[--n_leases]);
}

void close_noted(unsigned queue) {
  ledger->closing[queue] = BEGUN;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  mc_queue_close(queues[queue]);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  ledger->closing[queue] = OVER;
}
