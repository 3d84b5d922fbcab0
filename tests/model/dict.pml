/* A dict of two stripes: share/undo.h, dict_slots.c, dict_grow.c, dict_enter.c and
 * dict_update.c. A process may die before any of its stores.
 *
 *   the updater writes nodes 1 and 2 to keys 0 and 1, all or none: it has the dict alone
 *   a writer puts node 3 to key 0
 *   a reader looks at both keys, by turns
 *
 * Key 0 lies in stripe 0, which has no room for it at first: whoever writes it makes a
 * larger table and exchanges the two. Key 1, in stripe 1, has node 4 already. The locks
 * are taken as right (lock.pml): who dies inside is known to the next holder.
 *
 * Shown: under a stripe's lock everybody sees exactly what was committed, and no freed
 * node or table; at the end each node is in one place. Nobody is kept out for ever.
 *
 *   holds  test     DEATHS=0
 *   holds  test     DEATHS=1
 *   holds  test     DEATHS=2
 *   breaks test     DEATHS=0 NO_SWEEP     the updater does not wait for who is inside
 *   breaks test     DEATHS=0 NO_LOOK      who comes in does not look whether it is alone
 *   breaks test     DEATHS=1 NO_REPAIR    an unfinished update is left as it is
 *   breaks test     DEATHS=1 NO_ROLLBACK  half a transaction is left as it is
 *   breaks test     DEATHS=1 LOG_AFTER    a store comes before its note in the log
 */
#ifndef DEATHS
#define DEATHS 1
#endif

#define UPDATER 1
#define WRITER  2
#define READER  3
#define LAST    4
#define N       5

#define UPDATE 2 /* the update lock; 0 and 1 are those of the stripes */
#define LOCKS  3
#define DEPTH  5

byte root[2], count[2]; /* stripes: the table, and how many entries */
byte slot[5];           /* a table's: the node; stripe 0 starts with 1, stripe 1 with 2 */
byte tables = 2;
bool exclusive;
byte applied;
byte link[5], next[5]; /* of nodes */
bool freed[5], table_freed[5];

/* Slots of the processes. */
byte pending[N], pending_table[N];

byte expected[2]; /* for the checks: what was committed */

/* ---- undo log: places by number ---- */

#define AT_ROOT          0  /* + stripe */
#define AT_COUNT         2  /* + stripe */
#define AT_APPLIED       4
#define AT_SLOT          10 /* + table */
#define AT_LINK          20 /* + node */
#define AT_PENDING       30 /* + process */
#define AT_PENDING_TABLE 40 /* + process */

inline write(where, value) {
  if
  :: where < AT_COUNT -> root[where] = value
  :: where >= AT_COUNT && where < AT_APPLIED -> count[where - AT_COUNT] = value
  :: where == AT_APPLIED -> applied = value
  :: where >= AT_SLOT && where < AT_LINK -> slot[where - AT_SLOT] = value
  :: where >= AT_LINK && where < AT_PENDING -> link[where - AT_LINK] = value
  :: where >= AT_PENDING && where < AT_PENDING_TABLE -> pending[where - AT_PENDING] = value
  :: where >= AT_PENDING_TABLE -> pending_table[where - AT_PENDING_TABLE] = value
  fi
}

#include "section.inc"

/* ---- getting in ---- */

/* mc_dict_take_back(): nodes of an unfinished update go out again, or give their place
 * back to what they had replaced. */
inline repair() {
#ifndef NO_REPAIR
  do
  :: applied != 0 ->
     node = applied;
     part = node - 1; /* the updater's node 1 is for key 0, 2 for key 1 */
     STEP(undo_lock[me] = UPDATE);
     set(AT_SLOT + root[part], slot[root[part]], next[node]);
     if
     :: next[node] == 0 -> set(AT_COUNT + part, count[part], count[part] - 1)
     :: else
     fi;
     set(AT_APPLIED, applied, link[node]);
     set(AT_LINK + node, link[node], pending[me]);
     set(AT_PENDING + me, pending[me], node);
     STEP(undo_n[me] = 0);
     STEP(assert(!freed[node]); freed[node] = true; pending[me] = link[node])
  :: else -> break
  od;
#endif
  STEP(exclusive = false)
}

inline enter(which) {
  do
  :: lock(which);
#ifdef NO_LOOK
     break;
#endif
     if
     :: !exclusive -> break
     :: else
     fi;
     unlock(which);
     lock(UPDATE);
     if
     :: exclusive -> repair()
     :: else
     fi;
     unlock(UPDATE)
  od
}

inline seize() {
  lock(UPDATE);
  if
  :: exclusive -> repair()
  :: else
  fi;
  STEP(exclusive = true);
#ifndef NO_SWEEP
  sweep(0);
  sweep(1);
#endif
  skip
}

/* ---- writing ---- */

/* A larger table in the place of the full one; `guard` is the lock that is held. */
inline make_room(guard) {
  if
  :: root[0] == 1 ->
     STEP(tables++; pending_table[me] = tables; slot[tables] = slot[root[0]]);
     fresh = tables;
     STEP(undo_lock[me] = guard);
     set(AT_ROOT, root[0], fresh);
     set(AT_PENDING_TABLE + me, fresh, 1);
     STEP(undo_n[me] = 0)
  :: else
  fi
}

/* The old table is freed once the caller is out. */
inline clean_up() {
  if
  :: pending_table[me] != 0 ->
     STEP(assert(!table_freed[pending_table[me]]); table_freed[pending_table[me]] = true;
          pending_table[me] = 0)
  :: else
  fi;
  do
  :: pending[me] != 0 ->
     STEP(assert(!freed[pending[me]]); freed[pending[me]] = true;
          pending[me] = link[pending[me]])
  :: else -> break
  od
}

inline apply() {
  node = pending[me];
  part = node - 1;
  if
  :: part == 0 && slot[root[0]] == 0 -> make_room(UPDATE)
  :: else
  fi;
  STEP(next[node] = slot[root[part]]);
  STEP(undo_lock[me] = UPDATE);
  if
  :: next[node] == 0 -> set(AT_COUNT + part, count[part], count[part] + 1)
  :: else
  fi;
  set(AT_SLOT + root[part], slot[root[part]], node);
  set(AT_PENDING + me, node, link[node]);
  set(AT_LINK + node, link[node], applied);
  set(AT_APPLIED, applied, node);
  STEP(undo_n[me] = 0)
}

proctype updater() {
  byte me = UPDATER;
  byte former, i, node, part, fresh, was;
  STEP(pending[me] = 1);
  STEP(link[1] = 2);
  seize();
  apply();
  apply();
  /* What was replaced, in a row: node 4, and perhaps the writer's. */
  STEP(fresh = next[2]; link[next[2]] = next[1]);
  if
  :: next[1] != 0 -> STEP(link[next[1]] = 0)
  :: else
  fi;
  STEP(undo_lock[me] = UPDATE);
  set(AT_APPLIED, applied, 0);
  set(AT_PENDING + me, pending[me], fresh);
  STEP(undo_n[me] = 0; expected[0] = 1; expected[1] = 2);
  STEP(exclusive = false);
  unlock(UPDATE);
  clean_up();
  goto end;
gone:
  dead[me] = true;
end:
  skip
}

proctype writer() {
  byte me = WRITER;
  byte former, i, node, part, fresh, was;
  STEP(pending[me] = 3);
  enter(0);
  assert(slot[root[0]] == expected[0]);
  if
  :: slot[root[0]] == 0 -> make_room(0)
  :: else
  fi;
  node = slot[root[0]];
  if
  :: node != 0 -> STEP(link[node] = link[3])
  :: else
  fi;
  STEP(undo_lock[me] = 0);
  set(AT_SLOT + root[0], node, 3);
  if
  :: node == 0 -> set(AT_COUNT, count[0], count[0] + 1)
  :: else
  fi;
  set(AT_PENDING + me, 3, node);
  STEP(undo_n[me] = 0; expected[0] = 3);
  unlock(0);
  clean_up();
  goto end;
gone:
  dead[me] = true;
end:
  skip
}

/* Under its lock a stripe has what was committed. */
inline look(part_looked_at) {
  enter(part_looked_at);
  atomic {
    node = slot[root[part_looked_at]];
    assert(node == expected[part_looked_at]);
    assert(count[part_looked_at] == (node != 0));
    assert(!freed[node] && !table_freed[root[part_looked_at]]);
  }
  unlock(part_looked_at)
}

proctype reader() {
  byte me = READER;
  byte former, i, node, part, was;
  look(0);
  look(1);
  goto end;
gone:
  dead[me] = true;
end:
  skip
}

init {
  byte me = LAST;
  byte former, i, node, part, was;
  atomic {
    root[0] = 1;
    root[1] = 2;
    slot[2] = 4;
    count[1] = 1;
    expected[1] = 4;
    run updater();
    run writer();
    run reader()
  }
  _nr_pr == 1;
  /* The reaper: passes through the locks of the dead, and frees what they had pending. */
  sweep(0);
  sweep(1);
  lock(UPDATE);
  unlock(UPDATE);
  me = UPDATER;
  do
  :: me < LAST ->
     atomic {
       if
       :: pending_table[me] != 0 ->
          assert(!table_freed[pending_table[me]]);
          table_freed[pending_table[me]] = true
       :: else
       fi;
       do
       :: pending[me] != 0 ->
          assert(!freed[pending[me]]);
          freed[pending[me]] = true;
          pending[me] = link[pending[me]]
       :: else -> break
       od;
       me++
     }
  :: else -> break
  od;
  look(0);
  look(1);
  assert(applied == 0 && !exclusive);
  for (i : 1 .. 4) {
    if
    :: i == expected[0] || i == expected[1] -> assert(!freed[i])
    :: else -> /* freed, or never linked by one who died before that */
       assert(freed[i] || (i == 3 && dead[WRITER]) || (i < 3 && dead[UPDATER]))
    fi
  }
  for (i : 1 .. tables) {
    assert(table_freed[i] == (i != root[0] && i != root[1]))
  }
  goto end;
gone:
  assert(false);
end:
  skip
}
