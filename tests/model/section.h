/* Steps before which a process may die, locks, and sections under them: share/lock.h,
 * undo.h, recover.c. The locks are taken as right (lock.pml): who dies inside is known to
 * the next holder, who takes back what was not committed.
 *
 * Who includes it defines N (processes), LOCKS, DEPTH (of a log), DEATHS, LAST (who does
 * not die) and write(where, value) for the places that sections store to. Processes have
 * `me`, `former`, `i` and `was`, and a label `gone`. */

byte holder[LOCKS], owner[LOCKS];
bool dead[N];
byte deaths;
byte undo_n[N], undo_lock[N], undo_where[N * DEPTH], undo_old[N * DEPTH];

#define MAY_DIE atomic { me != LAST && deaths < DEATHS -> deaths++; goto gone }
#define STEP(store) if :: MAY_DIE :: atomic { store } fi

inline log(where, old) {
  STEP(undo_where[me * DEPTH + undo_n[me]] = where; undo_old[me * DEPTH + undo_n[me]] = old;
       undo_n[me]++)
}

inline set(where, old, value) {
#ifdef LOG_AFTER
  was = old;
  STEP(write(where, value));
  log(where, was)
#else
  log(where, old);
  STEP(write(where, value))
#endif
}

inline lock(which) {
  if
  :: MAY_DIE
  :: atomic { holder[which] == 0 || dead[holder[which]] ->
       former = owner[which]; holder[which] = me }
  fi;
  if
  :: former != 0 && undo_n[former] > 0 && undo_lock[former] == which ->
#ifndef NO_ROLLBACK
     i = undo_n[former];
     do
     :: i > 0 -> i--;
        STEP(write(undo_where[former * DEPTH + i], undo_old[former * DEPTH + i]))
     :: else -> break
     od;
#endif
     STEP(undo_n[former] = 0)
  :: else
  fi;
  STEP(owner[which] = me)
}

inline unlock(which) {
  STEP(owner[which] = 0);
  STEP(holder[which] = 0)
}

inline sweep(which) {
  lock(which);
  unlock(which)
}
