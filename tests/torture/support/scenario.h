/* A kill test: what is set up, what the victim does, and at which instructions it dies.
 *
 *   for each chosen k:  fresh space ─ setup ─ victim steps k instructions ─ SIGKILL
 *                       ─ others use the space ─ reap ─ checks ─ nothing is left
 *
 * Each scenario runs in a tester process of its own, so that a crash or a hang (alarm) in
 * what is tested is a failure with a name. All of them run on one core. */
#ifndef TORTURE_SCENARIO_H
#define TORTURE_SCENARIO_H

#include "torture/support/actor.h"
#include "torture/support/check.h"
#include "torture/support/ledger.h"

#include <stddef.h>

struct scenario {
  const char *name;
  uint64_t limit; /* of shared memory; 0: 8 MiB */
  void (*setup)(void);
  struct role role;
  void (*check)(void); /* besides what holds everywhere; may be NULL */
  struct role other;  /* for the ways that have a helper: what it does; all 0: the same */
  unsigned helpers;   /* how many; 0: one */
  void (*poke)(void); /* kill_woken: what the tester does to wake the victim */
  long dies_at;       /* kill_reaped: where the first one dies */
};

/* Kills a victim of the scenario after k instructions and checks. */
typedef void kill_at(const struct scenario *scenario, long k);

kill_at kill_alone;      /* nobody else is there */
kill_at kill_beside;     /* helpers do the same while the victim stands there */
kill_at kill_watched;    /* helpers sleep, waiting for what the victim does */
kill_at kill_supervised; /* the same, and a watcher reaps, not the tester */
kill_at kill_woken;      /* the victim sleeps and is woken; a helper sleeps too */
kill_at kill_reaped;     /* the victim reaps (`other`) one who died in the operation */
kill_at kill_twice;      /* another one dies while it recovers; k is a seed */

/* "[-f] [-s SEED] [TEXT]": every instruction, the seed of the choice, scenarios whose
 * name contains the text. MOONCREW_TORTURE=full is -f. */
void torture_begin(int argc, char **argv);

/* Runs each of the n scenarios with `at`; `way` is put behind their names. `pairs`: k is
 * a random seed, not an instruction. */
void torture_run(const char *way, kill_at *at, bool pairs, const struct scenario *list,
                 size_t n);

/* Prints the sum; the exit status. */
int torture_end(void);

/* Ends of a kill point, for ways of one's own: a space, `setup`; then everything from the
 * reaping on. */
void point_begin(const struct scenario *scenario);
void point_end(const struct scenario *scenario, long k);

#endif
