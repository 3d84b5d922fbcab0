#include "torture/support/check.h"

#include "base/error.h"
#include "share/audit.h"
#include "share/layout.h"
#include "share/object.h"
#include "torture/support/ledger.h"

#include <string.h>

#define LATE 7 /* the tester, putting after the victims */

static bool held[QUEUES];
static unsigned found[IDS];
static unsigned dead[QUEUES];

void make_queue(unsigned queue, uint64_t maxsize, enum mc_on_death on_death) {
  const struct mc_queue_options options = {maxsize, on_death};
  int rc = mc_queue_create(&options, &queues[queue]);
  if (rc != 0)
    fail("no queue %u: %d", queue, rc);
  held[queue] = true;
}

void drop_queue(unsigned queue) {
  held[queue] = false;
  mc_object_drop(queues[queue]);
}

void use_unreaped(int way) {
  if (way == 1) {
    me = LATE;
    prepare(0, 1, 100, 0);
    int rc = put_prepared(0, MC_NOW);
    me = 0;
    if (rc == 1 || (rc == MC_CLOSED && ledger->closing[0]) ||
        (rc == MC_FULL && mc_queue_maxsize(queues[0])) ||
        (rc == MC_NOMEM && mc_space->max_spans <= 16))
      return;
    fail("another's put gave %d", rc);
  } else if (way == 2) {
    struct mc_lease lease;
    int rc = mc_queue_try_take(queues[0], &lease, 1);
    if (rc == 1) {
      read_message(&lease);
      mc_lease_return(&lease);
    } else if (rc != MC_EMPTY && rc != MC_CLOSED) {
      fail("another's take gave %d", rc);
    }
  }
}

/* Who put it when: the tester before all, the actors, the tester after all. */
static unsigned phase_of(unsigned id) {
  return id < 16 ? 0 : id / 16 == LATE ? 2 : 1;
}

static void note(unsigned queue, unsigned id, unsigned *last, unsigned *phase) {
  if (id == 0)
    return;
  if (ledger->entry[id].queue != queue)
    fail("message %u came from queue %u, was put into %u", id, queue,
         ledger->entry[id].queue);
  if (found[id]++)
    fail("message %u came twice", id);
  if (last == NULL)
    return; /* dead letters lie in the order of their deaths */
  if (phase_of(id) < *phase || last[id / 16] > id)
    fail("message %u came out of order", id);
  *phase = phase_of(id);
  last[id / 16] = id;
}

static void drain(unsigned queue) {
  unsigned last[IDS / 16] = {0};
  unsigned phase = 0;
  struct mc_lease lease;
  uint64_t size = mc_queue_size(queues[queue]);
  uint64_t n = 0;
  for (;; n++) {
    int rc = mc_queue_try_take(queues[queue], &lease, 1);
    if (rc == MC_EMPTY || rc == MC_CLOSED)
      break;
    if (rc != 1)
      fail("a take gave %d", rc);
    note(queue, read_message(&lease), last, &phase);
    mc_lease_settle(&lease);
  }
  if (n != size)
    fail("queue %u has %lu messages, says %lu", queue, n, size);
  while (mc_queue_take_dead(queues[queue], &lease, NULL, NULL) == 1) {
    note(queue, read_message(&lease), NULL, NULL);
    dead[queue]++;
    mc_lease_settle(&lease);
  }
}

unsigned dead_letters(unsigned queue) {
  return dead[queue];
}

static void check_entry(unsigned id) {
  const struct entry *entry = &ledger->entry[id];
  if (entry->settle == OVER && found[id])
    fail("message %u came back after it was settled", id);
  if (entry->settle == NEVER && !found[id] && (entry->put == OVER || entry->taken))
    fail("message %u is lost", id);
  if (!entry->batch || entry->torn)
    return;
  bool there = found[id] || entry->settle || entry->taken;
  for (unsigned other = id + 1; other < IDS; other++) {
    const struct entry *e = &ledger->entry[other];
    if (e->batch == entry->batch && there != (found[other] || e->settle || e->taken))
      fail("of a batch, %u and %u are not both there", id, other);
  }
}

void check_messages(void) {
  memset(found, 0, sizeof(found));
  memset(dead, 0, sizeof(dead));
  for (unsigned q = 0; q < QUEUES; q++)
    if (held[q])
      drain(q);
  for (unsigned id = 1; id < IDS; id++)
    if (ledger->entry[id].put != NEVER)
      check_entry(id);
  for (unsigned q = 0; q < QUEUES; q++)
    if (held[q] && ledger->closing[q] == OVER && !mc_queue_closed(queues[q]))
      fail("queue %u was closed and is open", q);
}

static void on_fault(void *context, const char *text) {
  (void)context;
  fail("audit: %s", text);
}

void check_structure(void) {
  struct mc_audit audit = {.fault = on_fault};
  int rc = mc_audit(&audit);
  if (rc != 0)
    fail("audit: %d", rc);
}

static void use(mc_ref queue, size_t length) {
  static const unsigned char bytes[40000];
  struct mc_message message = {.bytes = bytes, .length = length};
  struct mc_lease lease;
  int rc = mc_queue_try_put(queue, &message, 1);
  if (rc != 1)
    fail("a put of %zu bytes gave %d afterwards", length, rc);
  rc = mc_queue_try_take(queue, &lease, 1);
  if (rc != 1 || lease.length != length || memcmp(lease.bytes, bytes, length) != 0)
    fail("a take of %zu bytes gave %d afterwards", length, rc);
  mc_lease_settle(&lease);
}

void check_works(void) {
  static const size_t lengths[] = {0, 100, 900, 3000, 40000};
  const struct mc_queue_options options = {0, MC_RETURN};
  mc_ref fresh;
  int rc = mc_queue_create(&options, &fresh);
  if (rc != 0)
    fail("no new queue afterwards: %d", rc);
  for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
    use(fresh, lengths[i]);
    if (held[0] && !mc_queue_closed(queues[0]))
      use(queues[0], lengths[i]);
  }
  mc_object_drop(fresh);
}

void check_nothing_left(void) {
  for (unsigned q = 0; q < QUEUES; q++)
    if (held[q])
      drop_queue(q);
  struct mc_space_stats stats;
  mc_space_stats(&stats);
  if (stats.objects != 0 || stats.in_use != 0 || stats.members != 1)
    fail("at the end %u objects, %lu bytes and %u members", stats.objects, stats.in_use,
         stats.members);
}
