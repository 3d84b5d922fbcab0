/* The lock of the shared core: os/robust.h, share/lock.h, share/lock.c, and a section
 * with an undo log under it (share/undo.h). A process may die before any of its stores.
 *
 *   note ─ pending ─ take the word (or sleep) ─ link ─ recover ─ section ─ release ─ wake
 *
 * Shown: one at a time is inside; a section happens as a whole or not at all, whoever dies
 * in it or while it is recovered; all who live get through. A sleeper's time-out is needed
 * after a death only, so no wake-up is lost otherwise.
 *
 * A standstill is seen when all DEATHS have happened: so it is run with 0, 1 and 2.
 *
 *   holds  test     DEATHS=0
 *   holds  test     DEATHS=1
 *   holds  test     DEATHS=2
 *   holds  torture  DEATHS=0 ROUNDS=2
 *   holds  torture  DEATHS=1 ROUNDS=2
 *   holds  torture  DEATHS=2 ROUNDS=3 PROCESSES=2
 *   breaks test     DEATHS=1 NO_PENDING     a taken word that is not noted stays taken
 *   breaks test     DEATHS=1 NO_ROLLBACK    half a section is seen
 *   breaks test     DEATHS=2 OWNER_FIRST    the death of one who recovers hides the first
 *   breaks test     DEATHS=0 NO_RESTORE     a woken one forgets that others sleep
 *   breaks test     DEATHS=1 SLEEP_FOREVER  a woken one dies before it takes the word
 */
#ifndef PROCESSES
#define PROCESSES 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef DEATHS
#define DEATHS 2
#endif

#define N (PROCESSES + 1) /* 0 is nobody */

/* The futex word: who has it, and the flags. */
byte word;
bool waiters, died;

byte owner;     /* beside the word: who is inside */
bool pending[N], linked[N]; /* the robust list of each process */
bool asleep[N]; /* in the kernel, on the word */

byte x, y;     /* what the lock guards; equal whenever nobody is inside */
byte undo_n[N]; /* the undo log: its first entry is of x, the second of y */
byte undo_x[N], undo_y[N];

byte deaths;
byte committed; /* for the checks: sections whose commit happened */
byte inside;    /* for the checks: who is in the section */

#define MAY_DIE(me) atomic { deaths < DEATHS -> deaths++; goto gone }
#define STEP(store) if :: MAY_DIE(me) :: atomic { store } fi

/* The kernel wakes any one of the sleepers. */
inline wake_one() {
  if
  :: asleep[1] -> asleep[1] = false
  :: asleep[2] -> asleep[2] = false
#if PROCESSES > 2
  :: asleep[3] -> asleep[3] = false
#endif
#if PROCESSES > 3
  :: asleep[4] -> asleep[4] = false
#endif
  :: else
  fi
}

/* mc_lock_take_slow(). Reading the word and changing it if it is still the same is one
 * step: the failures in between change nothing. */
inline take_slow() {
  wants = false;
  do
  :: MAY_DIE(me)
  :: atomic { word == 0 -> word = me; died = false; waiters = waiters || wants }; break
  :: atomic { word != 0 -> waiters = true };
#ifndef NO_RESTORE
     wants = true;
#endif
     /* The kernel looks at the word again before it lets the process sleep. */
     if
     :: atomic { word != 0 && waiters -> asleep[me] = true };
        do
        :: MAY_DIE(me)
        :: !asleep[me] -> break
#ifndef SLEEP_FOREVER
        /* Nobody can go on: a wake-up got lost, or a dead one still has the word. */
        :: atomic { timeout -> assert(deaths > 0 && word == 0); asleep[me] = false }; break
#endif
        od
     :: else
     fi
  od
}

inline lock() {
#ifndef NO_PENDING
  STEP(pending[me] = true);
#endif
  if
  :: MAY_DIE(me)
  :: atomic { word == 0 && !died -> word = me }
  :: word != 0 || died -> take_slow()
  fi;
  STEP(linked[me] = true);
  STEP(pending[me] = false);
#ifdef OWNER_FIRST
  STEP(former = owner; owner = me);
#else
  former = owner;
#endif
  if
  :: former != 0 -> recover()
  :: else
  fi;
  STEP(owner = me; assert(inside == 0); inside = me)
}

/* mc_undo_roll_back(), then the dead one is not inside any more. */
inline recover() {
#ifndef NO_ROLLBACK
  if
  :: undo_n[former] == 2 -> STEP(y = undo_y[former])
  :: else
  fi;
  if
  :: undo_n[former] >= 1 -> STEP(x = undo_x[former])
  :: else
  fi;
  STEP(undo_n[former] = 0);
#endif
  skip
}

inline section() {
  assert(x == y && x == committed);
  STEP(undo_x[me] = x);
  STEP(undo_n[me] = 1);
  STEP(x++);
  STEP(undo_y[me] = y);
  STEP(undo_n[me] = 2);
  STEP(y++);
  STEP(undo_n[me] = 0; committed++)
}

inline unlock() {
  STEP(owner = 0; inside = 0);
  STEP(pending[me] = true);
  STEP(linked[me] = false);
  STEP(others = waiters; word = 0; waiters = false; died = false);
  if
  :: others -> STEP(wake_one())
  :: else
  fi;
  STEP(pending[me] = false)
}

active [PROCESSES] proctype worker() {
  byte me = _pid + 1;
  byte round, former;
  bool wants, others;

  do
  :: round < ROUNDS ->
     lock();
     section();
     unlock();
     round++
  :: else -> goto end
  od;

gone: /* what the kernel does: it marks the word, and wakes */
  atomic {
    asleep[me] = false;
    others = false;
    if
    :: inside == me -> inside = 0
    :: else
    fi;
    if
    :: (pending[me] || linked[me]) && word == me ->
       word = 0;
       died = true;
       others = waiters
    :: pending[me] && word == 0 ->
       others = true
    :: else
    fi
  };
  if
  :: others -> atomic { wake_one() }
  :: else
  fi;

end:
  skip
}
