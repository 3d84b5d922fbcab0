/* Conditions: who waits is told by who has changed something, oldest first.
 *
 *   enter ─► (the program lets go of its lock) ─► notified? ─► … ─► leave
 *
 * A notification belongs to one who waits and lives: when its receiver dies or gives up
 * before it has taken it, the next one gets it. Who waits needs no object to watch: it is
 * rung when it is notified. */
#ifndef MC_SHARE_CONDITION_H
#define MC_SHARE_CONDITION_H

#include "share/space.h"

/* `lock` goes with it and lives as long. 0 or MC_NOMEM. */
int mc_condition_create(mc_ref lock, mc_ref *condition);

mc_ref mc_condition_lock(mc_ref condition);

/* The caller waits from now on. 0 or MC_NOMEM. */
int mc_condition_enter(mc_ref condition, uint32_t *ticket);

/* Notifications of the dead are passed on by the way. */
bool mc_condition_notified(mc_ref condition, uint32_t ticket);

/* It waits no more; a notification that it has not taken goes to another. true: it was
 * notified. */
bool mc_condition_leave(mc_ref condition, uint32_t ticket, bool taken);

/* Notifies up to n of those who wait. How many. For n that is not less than there are, it
 * is all or none, whenever the caller dies. */
uint32_t mc_condition_notify(mc_ref condition, uint32_t n);

/* Those who wait and are not notified. */
uint32_t mc_condition_waiting(mc_ref condition);

#endif
