/* A dict that gets stripes: make_stripes() of share/dict_grow.c, dict_enter.c and
 * mc_dict_clear() of dict_update.c. A process may die before any of its stores.
 *
 *   the maker writes key 0, when stripes are there: it makes them if need be
 *   a writer writes key 1, in a stripe or in the small dict
 *   who clears makes the dict small and empty again, alone
 *   a reader looks at key 1, and at the end at both
 *
 * While the dict is small both keys are under lock 0; afterwards key 1 has lock 1. Stripes
 * come into being in a section under lock 0, so they may be taken back until its holder, or
 * the next one, is past it: nobody goes into them before `opened` says so.
 *
 * Shown: under its lock everybody finds what was committed.
 *
 *   holds  test     DEATHS=0
 *   holds  test     DEATHS=1
 *   holds  torture  DEATHS=2
 *   breaks test     DEATHS=1 BY_STRIPES   who comes in goes by `stripes` itself
 *   breaks test     DEATHS=0 NO_SWEEP     and does not wait for who is inside
 */
#ifndef DEATHS
#define DEATHS 1
#endif

#define MAKER   1
#define WRITER  2
#define CLEARER 3
#define READER  4
#define LAST    5
#define N       6

#define UPDATE 2 /* the update lock; 0 and 1 are those of the stripes */
#define LOCKS  3
#define DEPTH  4

byte small[2] = 1; /* by key: what the small dict has, 0: nothing */
byte part[2];      /* and the stripes */
bool stripes, opened, exclusive;

byte expected[2] = 1; /* for the checks: what was committed */

#define AT_SMALL   0 /* + key */
#define AT_STRIPES 2
#define AT_OPENED  3

inline write(where, value) {
  if
  :: where < AT_STRIPES -> small[where] = value
  :: where == AT_STRIPES -> stripes = value
  :: where == AT_OPENED -> opened = value
  fi
}

#include "section.inc"

/* ---- getting in ---- */

#ifdef BY_STRIPES
#define GUIDE stripes
#else
#define GUIDE opened
#endif

inline await_exclusive() {
  lock(UPDATE);
  if
  :: exclusive -> STEP(exclusive = false) /* who had set it is dead */
  :: else
  fi;
  unlock(UPDATE)
}

inline enter(key) {
  do
  :: seen = GUIDE;
     if
     :: seen -> at = key
     :: else -> at = 0
     fi;
     lock(at);
     if
     :: exclusive -> unlock(at); await_exclusive()
     :: !exclusive && GUIDE == seen && stripes == seen -> break
     :: !exclusive && GUIDE == seen && stripes != seen ->
        STEP(opened = stripes);
        unlock(at)
     :: !exclusive && GUIDE != seen -> unlock(at)
     fi
  od
}

inline check(key) {
  atomic {
    if
    :: seen -> assert(part[key] == expected[key])
    :: else -> assert(small[key] == expected[key])
    fi
  }
}

/* ---- who does what ---- */

inline put(key, value) {
  STEP(if
       :: seen -> part[key] = value
       :: else -> small[key] = value
       fi;
       expected[key] = value)
}

inline make_stripes() {
  STEP(part[0] = small[0]; part[1] = small[1]); /* nobody sees them */
  STEP(undo_lock[me] = 0);
  set(AT_SMALL, small[0], 0);
  set(AT_SMALL + 1, small[1], 0);
  set(AT_STRIPES, stripes, true);
  STEP(undo_n[me] = 0)
}

proctype maker() {
  byte me = MAKER;
  byte former, i, was, at;
  bool seen;
  do
  :: enter(0);
     check(0);
     if
     :: seen -> break
     :: else
     fi;
     make_stripes();
     unlock(at)
  od;
  put(0, 2);
  unlock(at);
  goto end;
gone:
  dead[me] = true;
end:
  skip
}

proctype writer() {
  byte me = WRITER;
  byte former, i, was, at;
  bool seen;
  enter(1);
  check(1);
  put(1, 3);
  unlock(at);
  goto end;
gone:
  dead[me] = true;
end:
  skip
}

proctype clearer() {
  byte me = CLEARER;
  byte former, i, was;
  lock(UPDATE);
  STEP(exclusive = true);
#ifndef NO_SWEEP
  sweep(0);
  if
  :: stripes -> sweep(1)
  :: else
  fi;
#endif
  STEP(undo_lock[me] = UPDATE);
  set(AT_SMALL, small[0], 0);
  set(AT_SMALL + 1, small[1], 0);
  set(AT_STRIPES, stripes, false);
  set(AT_OPENED, opened, false);
  STEP(undo_n[me] = 0; expected[0] = 0; expected[1] = 0);
  STEP(exclusive = false);
  unlock(UPDATE);
  goto end;
gone:
  dead[me] = true;
end:
  skip
}

proctype reader() {
  byte me = READER;
  byte former, i, was, at;
  bool seen;
  enter(1);
  check(1);
  unlock(at);
  goto end;
gone:
  dead[me] = true;
end:
  skip
}

init {
  byte me = LAST;
  byte former, i, was, at;
  bool seen;
  atomic {
    run maker();
    run writer();
    run clearer();
    run reader()
  }
  _nr_pr == 1;
  enter(1);
  check(1);
  unlock(at);
  enter(0);
  check(0);
  unlock(at);
  goto end;
gone:
  skip;
end:
  skip
}
