/* A check of the whole structure, for tests: while nobody else uses the space. */
#ifndef MC_SHARE_AUDIT_H
#define MC_SHARE_AUDIT_H

#include <stdint.h>

struct mc_audit {
  /* Called for each fault found, in words. May be NULL. */
  void (*fault)(void *context, const char *text);
  void *context;
  /* What was seen. */
  uint64_t faults;
  uint64_t blocks;   /* of size classes */
  uint64_t runs;     /* in use */
  uint64_t messages; /* in queues, dead letters, returned or in hand */
  uint64_t objects;
  uint64_t members;
};

/* Looks whether every block of every span is in exactly one place, whether free runs and
 * bins agree, and whether the counts of objects, holds, references, magazines and queues
 * are right. Dead members that were not reaped may still have what is both in a magazine
 * and in an intent: reap before. The number of faults, -ENOMEM without private memory. */
int mc_audit(struct mc_audit *audit);

#endif
