/* The tasks of a pool that are under way: which one an id stands for.
 *
 *   id = running number << 32 | slot        slots are used again, numbers are not
 *   entries[slot]  the id and what kind of task it is
 *   tasks[slot]    the task, in a table of Lua: false in a free slot
 *
 * An item of a map need not be a task of its own: then the entry has its number, and the
 * object is what the items of that map have in common. */
#ifndef MC_BIND_LEDGER_H
#define MC_BIND_LEDGER_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

enum {
  BIND_TASK = 0,       /* the object is a task */
  BIND_CALL_ONLY = -1, /* … and a mooncrew.Result, of a call without options */
};

struct bind_entry {
  uint64_t id;      /* 0: the slot is free */
  lua_Integer item; /* from 1 on; else one of the above */
  uint32_t next;    /* the next free slot */
};

struct bind_ledger {
  struct bind_entry *entries; /* by slot, from 1 on */
  uint32_t size, high;        /* slots that there are, and that were ever used */
  uint32_t free;              /* the first free one; 0: none below high */
  uint32_t n;                 /* tasks */
  uint64_t last;              /* running number */
};

/* Enters the object at index `object`; `tasks` is the index of the table. The task's id.
 * Raises when memory runs out; nothing has been entered then. */
uint64_t bind_ledger_enter(lua_State *L, struct bind_ledger *ledger, int tasks,
                           int object, lua_Integer item);

/* NULL: it is under way no more. Valid until the next one is entered. */
struct bind_entry *bind_ledger_find(const struct bind_ledger *ledger, uint64_t id);

/* Pushes the object of an entry. */
void bind_ledger_push(lua_State *L, int tasks, const struct bind_entry *entry);

/* Puts the object on top, which is popped, in the place of the entry's: a task. */
void bind_ledger_replace(lua_State *L, int tasks, struct bind_entry *entry);

/* Takes an entry out. */
void bind_ledger_leave(lua_State *L, struct bind_ledger *ledger, int tasks,
                       struct bind_entry *entry);

void bind_ledger_free(struct bind_ledger *ledger);

#endif
