/* A queue: share/queue_put.c, queue_take.c, lease.c, recover.c, and the part of reap.c
 * that gives leases back. A process may die before any of its stores.
 *
 *   producer 1 puts messages 1 and 2 with one commit, producer 2 puts 3
 *   a consumer takes one or two at a time; settles or returns them
 *   a reaper, mortal too, clears up after the dead; a last one after everybody
 *
 * Segments have two entries, so one put needs a new one. The locks are taken as right
 * (lock.pml): who dies inside is known to the next holder.
 *
 * Shown: what was committed is in one place at the end, and in no caller's pending list;
 * what was not is nowhere. Nothing is settled twice; what came back is in order; each
 * segment is in the queue or was freed once.
 *
 *   holds  test     DEATHS=0
 *   holds  test     DEATHS=1 TURNS=1
 *   holds  torture  DEATHS=1
 *   holds  torture  DEATHS=2 TURNS=1
 *   breaks test     DEATHS=1 COMMIT_FIRST  tail moves before the intent is noted
 *   breaks test     DEATHS=1 LEASE_AFTER   head moves before the lease is noted
 *   breaks test     DEATHS=1 NO_DOUBLES    what is freed is still in a lease
 *   breaks test     DEATHS=1 CLEAR_EARLY   the intent is forgotten before it is made true
 *   breaks test     DEATHS=1 NO_COMPLETE   nobody completes a put that was committed
 *   breaks test     DEATHS=1 NO_TAKE_BACK  a lease of what is still in the queue stays
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef TURNS
#define TURNS 2 /* of the consumer */
#endif

#define CONSUMER 3
#define REAPER   4
#define LAST     5
#define N        6
#define MESSAGES 3
#define ENTRIES  2
#define SEGMENTS 5 /* 1 … 4 */

#define TAIL 0
#define HEAD 1

byte holder[2], owner[2]; /* of the two locks */
bool dead[N], reaped[N];
byte deaths;

/* The queue. */
byte tail, head, tail_segment, head_segment, returned, n_returned;

/* Segments and messages. */
byte first[SEGMENTS], after[SEGMENTS], entry[10], segments_made;
byte link[4], next[4], sequence[4];
bool freed[4], segment_freed[SEGMENTS]; /* they are in a magazine */

/* Slots. */
byte pending[N], pending_segments[N], put_tail[N], put_rest[N], put_segment[N];
bool put_queue[N];
byte lease[12], old_segment[N]; /* two leases each */
byte undo_n[N], undo_where[24], undo_old[24]; /* four entries each */

/* For the checks. */
bool committed[4], settled[4];

#define MAY_DIE atomic { me != LAST && deaths < DEATHS -> deaths++; goto gone }
#define STEP(store) if :: MAY_DIE :: atomic { store } fi

/* ---- undo log: places by number ---- */

#define AT_HEAD_SEGMENT 1
#define AT_RETURNED     2
#define AT_N_RETURNED   3
#define AT_OLD_SEGMENT  4  /* + slot */
#define AT_NEXT         10 /* + message */
#define AT_LEASE        20 /* + index */

inline write(where, value) {
  if
  :: where == AT_HEAD_SEGMENT -> head_segment = value
  :: where == AT_RETURNED -> returned = value
  :: where == AT_N_RETURNED -> n_returned = value
  :: where >= AT_OLD_SEGMENT && where < AT_NEXT -> old_segment[where - AT_OLD_SEGMENT] = value
  :: where >= AT_NEXT && where < AT_LEASE -> next[where - AT_NEXT] = value
  :: where >= AT_LEASE -> lease[where - AT_LEASE] = value
  fi
}

inline set(where, old, value) {
  STEP(undo_where[me * 4 + undo_n[me]] = where; undo_old[me * 4 + undo_n[me]] = old;
       undo_n[me]++);
  STEP(write(where, value))
}

inline roll_back() {
  k = undo_n[former];
  do
  :: k > 0 -> k--;
     STEP(write(undo_where[former * 4 + k], undo_old[former * 4 + k]))
  :: else -> break
  od;
  STEP(undo_n[former] = 0)
}

/* ---- locks ---- */

inline unlock(which) {
  STEP(owner[which] = 0);
  STEP(holder[which] = 0)
}

inline take_word(which) {
  if
  :: MAY_DIE
  :: atomic { holder[which] == 0 || dead[holder[which]] ->
       former = owner[which]; holder[which] = me }
  fi
}

inline lock_tail() {
  take_word(TAIL);
  if
  :: former != 0 && put_queue[former] ->
#ifndef NO_COMPLETE
     if
     :: tail != put_tail[former] ->
        STEP(tail_segment = put_segment[former]);
        STEP(pending_segments[former] = 0);
        STEP(pending[former] = put_rest[former])
     :: tail == put_tail[former] && tail_segment != 0 -> STEP(after[tail_segment] = 0)
     :: else -> STEP(head_segment = 0)
     fi;
#endif
     STEP(put_queue[former] = false)
  :: else
  fi;
  STEP(owner[TAIL] = me)
}

inline lock_head() {
  take_word(HEAD);
  if
  :: former != 0 ->
     if
     :: undo_n[former] > 0 -> roll_back()
     :: else
     fi;
     k = 0;
#ifndef NO_TAKE_BACK
     do
     :: k < 2 ->
        b = lease[former * 2 + k];
        if
        :: b != 0 && (b == returned || sequence[b] >= head) ->
           STEP(lease[former * 2 + k] = 0)
        :: else
        fi;
        k++
     :: else -> break
     od;
#endif
     STEP(count_returned())
  :: else
  fi;
  STEP(owner[HEAD] = me)
}

inline count_returned() {
  n_returned = 0;
  b = returned;
  do
  :: b != 0 -> n_returned++; b = next[b]
  :: else -> break
  od;
  b = 0
}

/* ---- putting ---- */

inline prepare_segments() {
  room = (tail_segment -> first[tail_segment] + ENTRIES - tail : 0);
  if
  :: room < n ->
     STEP(segments_made++; s = segments_made; first[s] = tail + room;
          pending_segments[me] = s)
  :: else
  fi
}

inline write_entries() {
  s = (tail_segment -> tail_segment : pending_segments[me]);
  b = pending[me];
  k = 0;
  do
  :: k < n ->
     if
     :: tail + k == first[s] + ENTRIES -> s = pending_segments[me]
     :: else
     fi;
     STEP(entry[s * ENTRIES + tail + k - first[s]] = b; sequence[b] = tail + k);
     b = link[b];
     k++
  :: else -> break
  od;
  STEP(put_segment[me] = s);
  STEP(put_rest[me] = b)
}

/* The one store that makes it happen. */
inline move_tail() {
  STEP(tail = tail + n; committed[mine] = true; committed[mine + n - 1] = true)
}

inline commit() {
  STEP(put_tail[me] = tail);
#ifdef COMMIT_FIRST
  move_tail();
#endif
  STEP(put_queue[me] = true);
  if
  :: pending_segments[me] != 0 && tail_segment != 0 ->
     STEP(after[tail_segment] = pending_segments[me])
  :: pending_segments[me] != 0 && tail_segment == 0 ->
     STEP(head_segment = pending_segments[me])
  :: else
  fi;
#ifndef COMMIT_FIRST
  move_tail();
#endif
#ifdef CLEAR_EARLY
  STEP(put_queue[me] = false);
#endif
  STEP(tail_segment = put_segment[me]);
  STEP(pending_segments[me] = 0);
  STEP(pending[me] = put_rest[me]);
  STEP(put_queue[me] = false)
}

proctype producer(byte me; byte mine; byte n) {
  byte former, k, b, s, room;
  STEP(pending[me] = mine);
  if
  :: n == 2 -> STEP(link[mine] = mine + 1)
  :: else
  fi;
  lock_tail();
  prepare_segments();
  write_entries();
  commit();
  unlock(TAIL);
  goto end;
gone:
  dead[me] = true;
end:
  skip
}

/* ---- taking ---- */

inline take_returned() {
  STEP(lease[me * 2] = returned);
  STEP(returned = next[returned]);
  STEP(n_returned--)
}

inline take_from_head() {
  if
  :: head == first[head_segment] + ENTRIES ->
     set(AT_OLD_SEGMENT + me, old_segment[me], head_segment);
     set(AT_HEAD_SEGMENT, head_segment, after[head_segment]);
     STEP(undo_n[me] = 0)
  :: else
  fi;
  n = 1;
  if /* two when they are there, in this segment */
  :: tail > head + 1 && head + 1 < first[head_segment] + ENTRIES -> n = 2
  :: true
  fi;
#ifdef LEASE_AFTER
  STEP(head = head + n);
  head_was = head - n;
#else
  head_was = head;
#endif
  k = 0;
  do
  :: k < n ->
     STEP(lease[me * 2 + k] = entry[head_segment * ENTRIES + head_was + k -
                                    first[head_segment]]);
     k++
  :: else -> break
  od;
#ifndef LEASE_AFTER
  STEP(head = head + n)
#endif
}

inline settle(i) {
  /* It is in the magazine before it leaves the table. */
  STEP(b = lease[me * 2 + i]; assert(!settled[b] && committed[b]);
       freed[b] = true; settled[b] = true);
  STEP(lease[me * 2 + i] = 0)
}

/* Into the returned list, by sequence. */
inline put_back(i) {
  lock_head();
  b = lease[i];
  s = 0;
  k = returned;
  do
  :: k != 0 && sequence[k] < sequence[b] -> s = k; k = next[k]
  :: else -> break
  od;
  set(AT_NEXT + b, next[b], k);
  if
  :: s == 0 -> set(AT_RETURNED, returned, b)
  :: else -> set(AT_NEXT + s, next[s], b)
  fi;
  set(AT_N_RETURNED, n_returned, n_returned + 1);
  set(AT_LEASE + i, b, 0);
  STEP(undo_n[me] = 0);
  unlock(HEAD)
}

proctype consumer(byte me) {
  byte former, k, b, s, n, turn, head_was;
  do
  :: turn < TURNS && (tail != head || returned != 0) ->
     lock_head();
     if
     :: returned != 0 -> take_returned()
     :: returned == 0 && tail != head -> take_from_head()
     :: else
     fi;
     unlock(HEAD);
     if
     :: old_segment[me] != 0 ->
        STEP(segment_freed[old_segment[me]] = true; old_segment[me] = 0)
     :: else
     fi;
     if
     :: lease[me * 2] != 0 && turn == 0 -> put_back(me * 2)
     :: lease[me * 2] != 0 -> settle(0)
     :: else
     fi;
     if
     :: lease[me * 2 + 1] != 0 -> settle(1)
     :: else
     fi;
     turn++
  :: atomic { else -> goto end }
  :: goto end
  od;
gone:
  dead[me] = true;
end:
  skip
}

/* ---- clearing up ---- */

/* What is both in a magazine and in a lease is the magazine's. Pending blocks are freed:
 * the transaction that moves each of them is one step here. */
inline reap() {
  lock_tail();
  unlock(TAIL);
  lock_head();
  unlock(HEAD);
  i = victim * 2;
  do
  :: i < victim * 2 + 2 ->
#ifndef NO_DOUBLES
     if
     :: lease[i] != 0 && freed[lease[i]] -> STEP(lease[i] = 0)
     :: else
     fi;
#endif
     if
     :: lease[i] != 0 -> put_back(i)
     :: else
     fi;
     i++
  :: else -> break
  od;
  do
  :: pending[victim] != 0 ->
     STEP(assert(!freed[pending[victim]]); freed[pending[victim]] = true;
          pending[victim] = link[pending[victim]])
  :: else -> break
  od;
  if
  :: pending_segments[victim] != 0 ->
     STEP(assert(!segment_freed[pending_segments[victim]]);
          segment_freed[pending_segments[victim]] = true; pending_segments[victim] = 0)
  :: else
  fi;
  if
  :: old_segment[victim] != 0 ->
     STEP(segment_freed[old_segment[victim]] = true; old_segment[victim] = 0)
  :: else
  fi;
  STEP(reaped[victim] = true)
}

inline reap_all() {
  victim = 1;
  do
  :: victim < LAST ->
     if
     :: dead[victim] && !reaped[victim] -> reap()
     :: else
     fi;
     victim++
  :: else -> break
  od
}

byte ended;

proctype reaper(byte me) {
  byte former, k, b, s, i, victim;
  if
  :: deaths > 0 -> reap_all()
  :: skip
  fi;
  goto end;
gone:
  dead[me] = true;
end:
  skip
}

inline check() {
  byte places[4];
  bool in_queue[SEGMENTS];
  s = head_segment;
  k = head;
  do
  :: k < tail ->
     if
     :: k == first[s] + ENTRIES -> s = after[s]
     :: else
     fi;
     assert(s != 0 && !segment_freed[s]);
     places[entry[s * ENTRIES + k - first[s]]]++;
     k++
  :: else -> break
  od;
  b = returned;
  k = 0;
  do
  :: b != 0 -> places[b]++; k++;
     assert(next[b] == 0 || sequence[next[b]] > sequence[b]);
     b = next[b]
  :: else -> break
  od;
  assert(k == n_returned);
  for (b : 1 .. MESSAGES) {
    assert(places[b] + settled[b] == committed[b]);
    assert(freed[b] == settled[b] || !committed[b])
  }
  s = (tail_segment -> head_segment : 0);
  do
  :: s != 0 -> in_queue[s] = true; s = after[s]
  :: else -> break
  od;
  assert(tail_segment == 0 || in_queue[tail_segment]);
  for (s : 1 .. segments_made) {
    assert(in_queue[s] + segment_freed[s] == 1)
  }
}

init {
  byte former, k, b, s, i, victim;
  byte me = LAST;
  atomic {
    run producer(1, 1, 2);
    run producer(2, 3, 1);
    run consumer(CONSUMER);
    run reaper(REAPER)
  }
  _nr_pr == 1;
  reap_all();
  atomic { check() };
  goto end;
gone:
  assert(false);
end:
  skip
}
