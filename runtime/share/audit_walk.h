/* Inside of the audit: what its files share. */
#ifndef MC_SHARE_AUDIT_WALK_H
#define MC_SHARE_AUDIT_WALK_H

#include "share/audit.h"
#include "share/layout.h"

/* For each 16 bytes of the space: was a block seen that begins there? For objects also
 * how often holders and messages name it. */
struct mc_walk {
  struct mc_audit *audit;
  uint8_t *seen;
  uint32_t *holders; /* by ref / 8: objects are at least 128 apart */
  uint32_t *references;
  uint64_t end; /* refs below are within used spans */
};

void __attribute__((format(printf, 2, 3)))
mc_audit_fault(struct mc_walk *w, const char *format, ...);

/* Marks a block. false: there is no going on from it. */
bool mc_audit_see(struct mc_walk *w, mc_ref ref, const char *where);

/* The same, and counts its handles. */
void mc_audit_see_message(struct mc_walk *w, mc_ref ref, const char *where);

/* audit_tables.c: what a dict, a list, a value or an array has. */
void mc_audit_see_table(struct mc_walk *w, mc_ref object, uint32_t kind);

/* audit_sync.c: what a lock, a semaphore, …, or a connection has. */
void mc_audit_see_sync(struct mc_walk *w, mc_ref object, uint32_t kind);

#endif
