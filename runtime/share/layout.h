/* What lies where in the space. Only this layer and its tests look inside.
 *
 *   header │ seats │ slots (a page each) │ span table │ spans of 64 KiB …
 *
 * glossary
 *   span      64 KiB of the space, of one use: cut into blocks of one class, or part of a
 * run run       consecutive spans that are one block: a message too large for the classes
 *   block     what the allocator hands out; begins with struct mc_block
 *   magazine  a list of free blocks of one class; a slot has two, a depot any number
 *   intent    words in a slot that say what its process is about to do; recovery reads
 * them commit    the one store that makes an operation happen
 *
 * Who may write a field:
 *   [own]     the member itself; after its death the reaper, or whoever recovers its lock
 *   [tail] [head] [depot] [heap] [objects] [members]   the holder of that lock
 *   [any]     anybody, atomically
 *   [block]   whoever has the block: exactly one list, queue or slot
 *
 * Invariants: a block is in exactly one place, except that between two instructions of
 * its owner it may be both in a magazine and in an intent or lease; then it belongs to
 * the magazine. A free block has n_handles == 0. Lock words stay lock words for ever:
 * spans of queues are never put to another use, since the kernel may write to a lock word
 * that a dying process had pending. */
#ifndef MC_SHARE_LAYOUT_H
#define MC_SHARE_LAYOUT_H

#include "os/robust.h"
#include "share/member.h"
#include "share/queue.h"
#include "share/space.h"

#include <stddef.h>

#define MC_CACHE_LINE 64u
#define MC_PAGE       4096u

/* ---- locks ---- */

enum mc_lock_kind {
  MC_LOCK_LIFE = 1,
  MC_LOCK_TAIL,
  MC_LOCK_HEAD,
  MC_LOCK_DEPOT,
  MC_LOCK_HEAP,
  MC_LOCK_OBJECTS,
  MC_LOCK_MEMBERS,
  MC_LOCK_TABLE,  /* one of mc_space.table_locks */
  MC_LOCK_UPDATE, /* one of mc_space.update_locks */
  MC_LOCK_SYNC,   /* of a lock, a semaphore, …: see sync_layout.h */
};

/* In a struct mc_robust, word: [any] by compare-and-swap. owner: slot + 1 of who is
 * inside, written by the holder; a new holder that finds it not 0 knows that the former
 * one died inside. object: the queue of a TAIL or HEAD. */

/* Order of acquisition: members, then an update lock, then a table lock or a queue's tail
 * or head, then objects, depot, heap. Never two table locks at once. */
#define MC_HELD 8

/* ---- blocks ---- */

#define MC_SPAN_BYTES    65536u
#define MC_CLASSES       18u
#define MC_CLASS_SEGMENT 12u /* 4096 bytes */
#define MC_CLASS_HOLDS   6u  /* 512 bytes */
#define MC_CLASS_OBJECT  16u /* 1024 bytes, for objects with locks and nothing else */
#define MC_CLASS_SMALL   17u /* 128 bytes, for objects without locks of their own */
#define MC_CLASS_RUN     255u

#define MC_BLOCK_OBIT 1u /* flags: the payload begins with a struct mc_obit */

struct mc_block { /* all [block] */
  mc_ref next;    /* in a magazine, in a queue's returned list or dead letters */
  mc_ref link;  /* in a slot's pending list; segments and blocks of holds: the next one */
  mc_ref queue; /* a message: its queue */
  uint32_t n_handles; /* handles of the payload that are counted in their objects */
  union {
    uint64_t sequence; /* a message: its number in its queue; a segment: that of its first
                          entry */
    struct {           /* the first block of a magazine in a depot */
      mc_ref next_magazine;
      uint32_t magazine_count;
    };
  };
  uint64_t length : 48; /* of the message's bytes */
  uint64_t flags : 8;
  uint64_t size_class : 8; /* never changes while the span keeps its use */
};
_Static_assert(sizeof(struct mc_block) == 32, "payload starts 16-aligned");

/* Who died with this message; pid 0: nobody did. */
struct mc_obit {
  struct mc_member who;
  int32_t pid;
  uint32_t unused;
};

/* A block of MC_CLASS_SEGMENT that holds messages `sequence` … of a queue. */
#define MC_SEGMENT_ENTRIES ((4096u - sizeof(struct mc_block)) / sizeof(mc_ref))
struct mc_segment {
  struct mc_block block;              /* link: the segment behind it */
  mc_ref entries[MC_SEGMENT_ENTRIES]; /* [tail], before the commit */
};

/* A block of MC_CLASS_HOLDS with more of a member's holds. */
#define MC_HOLDS_ENTRIES ((512u - sizeof(struct mc_block)) / sizeof(mc_ref))
struct mc_holds {
  struct mc_block block;
  mc_ref entries[MC_HOLDS_ENTRIES]; /* [objects] */
};

/* ---- allocator ---- */

enum mc_span_use {
  MC_SPAN_FRESH = 0,  /* never used */
  MC_SPAN_BLOCKS = 1, /* + class: cut into blocks */
  MC_SPAN_RUN = 64,   /* first of a run in use; `spans` long */
  MC_SPAN_RUN_END,    /* last of one, when longer than one */
  MC_SPAN_FREE,       /* first of a free run */
  MC_SPAN_FREE_END,   /* last of one, when longer than one; `spans` long */
  MC_SPAN_PURGING =
      128, /* + class: all blocks are in the depot and leave it for the heap */
};

struct mc_span { /* [heap]; use is read by anybody */
  uint32_t use;
  uint32_t spans;
  uint32_t next, previous; /* of a free run, in its bin: index + 1, 0 is none */
};

#define MC_BINS 24 /* free runs of 2^i … 2^(i+1)-1 spans */

struct mc_depot {
  struct mc_robust lock;
  mc_ref magazines; /* [depot]; read by anybody */
  uint32_t purging; /* [depot]: a purge of this class has begun */
  uint64_t unused[2];
};
_Static_assert(sizeof(struct mc_depot) == MC_CACHE_LINE, "one line each");

struct mc_magazines {         /* [own] */
  mc_ref loaded;              /* blocks are taken from and pushed to this list */
  mc_ref spare;               /* a full one, or 0 */
  uint32_t n_loaded, n_spare; /* lengths; the reaper counts for itself */
};

/* ---- locks of tables ---- */

/* Dicts, lists and the like have no lock of their own: they use those of a pool, chosen
 * by their place. So small ones are small, and lock words stay lock words. */
#define MC_TABLE_LOCKS  1024u
#define MC_UPDATE_LOCKS 16u

struct mc_pool_lock {
  struct mc_robust lock;
  uint64_t unused[3];
};
_Static_assert(sizeof(struct mc_pool_lock) == MC_CACHE_LINE, "one line each");

/* ---- sleeping ---- */

/* A bit for each member that sleeps until something happens. [any] */
struct mc_mask {
  uint32_t summary; /* a bit for each word that may have one */
  uint32_t looker;  /* a hint: 1 + the slot of who looks and is awake: see wait.c */
  uint64_t words[MC_MEMBERS / 64];
};

/* ---- objects ---- */

struct mc_object {
  uint32_t kind;       /* [objects]; read by anybody */
  uint32_t holders;    /* [objects]: members that hold it */
  uint32_t references; /* [objects]: handles in messages */
  mc_ref next_dying;   /* [own] of the member that dismantles it */
};

struct mc_queue {
  struct mc_block block;
  struct mc_object object;
  uint64_t maxsize;  /* never changes */
  uint32_t on_death; /* never changes */
  uint32_t closed;   /* [tail]; read by anybody */
  uint8_t line0[MC_CACHE_LINE];

  struct mc_robust tail_lock;
  uint64_t tail; /* [tail]: messages ever put: the commit of a put; read by anybody */
  uint64_t head_seen;  /* [tail]: an old value of head */
  mc_ref tail_segment; /* [tail]: the one with message tail - 1; 0: none was ever put */
  uint8_t line1[MC_CACHE_LINE - 60 + MC_CACHE_LINE];

  struct mc_robust head_lock;
  uint64_t head; /* [head]: messages ever taken: the commit of a take; read by anybody */
  uint64_t tail_seen; /* [head]: an old value of tail */
  mc_ref
      head_segment; /* [head]; the first put sets it. Valid when tail_segment is not 0 */
  mc_ref returned;  /* [head]: leases that came back, by sequence; read by anybody */
  uint32_t n_returned; /* [head]: its length */
  mc_ref dead;         /* [head]: dead letters, oldest first; read by anybody */
  uint64_t done;       /* [head]: messages marked done; read by anybody */
  uint8_t line2[MC_CACHE_LINE - 16];

  struct mc_mask readers;
  uint8_t line3[MC_CACHE_LINE - 8];
  struct mc_mask writers;
};
_Static_assert(sizeof(struct mc_queue) <= 1024, "a queue fits in its class");

/* ---- members ---- */

/* A guarded undo log: where and what was there, before each store; rolled back when its
 * process dies before the commit, by the next holder of `lock` or, when that is 0, by the
 * reaper. */
#define MC_UNDO 64
struct mc_undo { /* [own] */
  uint64_t
      lock; /* offset of the lock that guards what was logged; 0: private to the member */
  uint64_t n; /* the commit sets it to 0 */
  struct {
    uint64_t where; /* offset << 1 | (1: 4 bytes, 0: 8 bytes) */
    uint64_t old;
  } entry[MC_UNDO];
};

#define MC_HOLDS_INLINE 64
#define MC_WAITS        64

enum mc_sleep { MC_AWAKE, MC_SLEEPS_ON_BELL, MC_SLEEPS_IN_LOOP };

/* The life lock's word: see member.c. */
#define MC_LIFE_RESERVED                                                                 \
  0x20000000u /* above any thread id: reserved, low bits of generation */

struct mc_slot {
  struct mc_robust life;
  uint32_t bell;    /* [any]: a futex, counts rings */
  uint32_t asleep;  /* [own], atomic: enum mc_sleep */
  uint32_t counted; /* [any]: is part of mc_space.awake */
  int32_t pid;      /* [own] */
  uint64_t parent;  /* [members]: packed member that reserved the slot */

  uint64_t held[MC_HELD]; /* [own]: offsets of the locks held or about to be */
  uint32_t n_held;

  /* Intents of a put; see queue_put.c. All [own]. */
  mc_ref pending; /* blocks in preparation, or on their way to be freed; by link */
  mc_ref pending_segments; /* segments not yet in the queue; by link */
  mc_ref put_queue;        /* not 0: a commit is under way */
  uint64_t put_tail;       /* the queue's tail before the commit */
  mc_ref put_rest;         /* what stays pending after the commit */
  mc_ref put_segment;      /* the queue's tail_segment after the commit */

  mc_ref old_segment; /* [own]: a segment that was taken out of a queue, to be freed */
  mc_ref carved;      /* [own]: a span that is being cut into blocks */
  uint32_t carved_class;

  mc_ref dying;      /* [own]: objects that nobody has any more, to be dismantled */
  uint32_t n_holds;  /* [objects] */
  mc_ref more_holds; /* [objects]: struct mc_holds, by link */
  mc_ref holds[MC_HOLDS_INLINE]; /* [objects] */

  uint32_t n_waits;       /* [own]: more than MC_WAITS: any object */
  mc_ref waits[MC_WAITS]; /* [own]: objects whose masks may have our bit */

  struct mc_magazines magazines[MC_CLASSES]; /* [own] */
  mc_ref leases[MC_LEASES];                  /* [own]: messages in hand */
  struct mc_undo undo;                       /* [own] */
} __attribute__((aligned(4096)));
_Static_assert(sizeof(struct mc_slot) == MC_PAGE,
               "a page each: an unused slot costs none");

/* Seats are dense so that all can be looked at without touching unused slots. [members],
 * read by anybody: generation << 32 | (1: used, 0: free). */
#define MC_SEAT_USED 1u

/* ---- the whole ---- */

#define MC_MAGIC 0x6d6f6f6e63726577u

struct mc_space {
  uint64_t magic;
  uint64_t id;       /* random: names the doorbells */
  uint64_t size;     /* of the mapping */
  uint64_t slots_at; /* offsets */
  uint64_t table_at;
  uint64_t spans_at;
  uint32_t max_spans; /* the limit */
  uint32_t cores;
  uint16_t magazine[MC_CLASSES]; /* blocks in a full magazine */

  uint8_t line0[MC_CACHE_LINE];
  uint32_t awake;   /* [any]: members that are not asleep, or rung; a hint */
  uint32_t census;  /* [any]: a futex, bumped when the set of members changes */
  uint32_t watched; /* [own] of the watcher: seats below have their life words watched */
  uint64_t watcher; /* [any]: packed member, 0: none */
  uint32_t given;   /* [any]: bumped when memory is given back to a depot or the heap */
  uint32_t scarce;  /* [any]: not 0: an allocation failed and little is free since */
  uint32_t
      seats_high; /* [members]: seats below were used at some time; read by anybody */
  struct mc_mask hungry;  /* who waits for memory */
  struct mc_mask joiners; /* who waits until all messages of some queue are done */

  struct mc_robust members_lock;
  struct mc_robust objects_lock;
  uint64_t objects; /* [objects]: alive */

  struct mc_robust heap_lock;
  uint32_t brk_spans;       /* [heap]: spans ever used; read by anybody */
  uint32_t committed_spans; /* [heap] */
  uint32_t free_spans;      /* [heap]: in free runs */
  uint32_t bins[MC_BINS];   /* [heap]: first free run: index + 1, 0 is none */

  struct mc_depot depots[MC_CLASSES] __attribute__((aligned(64)));
  struct mc_pool_lock table_locks[MC_TABLE_LOCKS];
  struct mc_pool_lock update_locks[MC_UPDATE_LOCKS];
  uint64_t seats[MC_MEMBERS];
} __attribute__((aligned(4096)));

/* ---- this process ---- */

extern struct mc_space *mc_space;

extern _Thread_local struct mc_slot *mc_self __attribute__((tls_model("initial-exec")));

/* Keeps the compiler from moving stores across: all that death needs, since what a
 * process has executed is seen by those who learn of its death. */
#define mc_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static inline void *mc_at(mc_ref ref) {
  return (char *)mc_space + ((uint64_t)ref << 4);
}

static inline mc_ref mc_ref_of(const void *p) {
  return (mc_ref)((uint64_t)((const char *)p - (char *)mc_space) >> 4);
}

static inline uint64_t mc_offset_of(const void *p) {
  return (uint64_t)((const char *)p - (char *)mc_space);
}

static inline struct mc_block *mc_block(mc_ref ref) {
  return mc_at(ref);
}

static inline struct mc_slot *mc_slot(uint32_t i) {
  return (struct mc_slot *)((char *)mc_space + mc_space->slots_at) + i;
}

static inline uint32_t mc_slot_index(const struct mc_slot *slot) {
  return (uint32_t)(slot - mc_slot(0));
}

static inline struct mc_span *mc_spans(void) {
  return (struct mc_span *)((char *)mc_space + mc_space->table_at);
}

static inline mc_ref mc_span_ref(uint32_t span) {
  return (mc_ref)((mc_space->spans_at + (uint64_t)span * MC_SPAN_BYTES) >> 4);
}

/* The span in which a block lies. */
static inline uint32_t mc_span_of(mc_ref ref) {
  return (uint32_t)((((uint64_t)ref << 4) - mc_space->spans_at) / MC_SPAN_BYTES);
}

#endif
