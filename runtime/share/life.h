/* How objects end.
 *
 *   last hold or reference goes ─(same transaction)─► the member's dying list
 *   ─► its messages, segments and block go one by one ─► nothing
 *
 * A dying object belongs to one member alone. Each step is a transaction; a reaper moves
 * the list of a dead member to its own and goes on. Messages may hold the last reference
 * to another object, which then joins the front of the list: no recursion. */
#ifndef MC_SHARE_LIFE_H
#define MC_SHARE_LIFE_H

#include "share/layout.h"

static inline struct mc_object *mc_object_at(mc_ref object) {
  return &((struct mc_queue *)mc_at(object))->object;
}

/* Inside an undo section of the objects lock: one less of `*count`, which is its holders
 * or references; the object joins the dying when that was the last. At most 4 stores. */
void mc_object_less(mc_ref object, uint32_t *count);

/* Takes apart all objects of the caller's dying list. */
void mc_dismantle(void);

/* A slot's list of holds: */

/* Makes room for one more. 0 or MC_NOMEM. */
int mc_holds_reserve(struct mc_slot *slot);

/* Inside a section of the objects lock. 2 stores. */
void mc_holds_append(struct mc_slot *slot, mc_ref object);

/* The same: puts the last one in the place of `index`. 3 stores. */
void mc_holds_remove(struct mc_slot *slot, uint32_t index);

mc_ref mc_holds_get(struct mc_slot *slot, uint32_t index);

/* Frees what the list does not need any more. */
void mc_holds_trim(struct mc_slot *slot);

/* This process does not hold the object any more: see object.c. */
void mc_object_let_go(mc_ref object);

#endif
