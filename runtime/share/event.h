/* Events: set or not, and how often they were set. */
#ifndef MC_SHARE_EVENT_H
#define MC_SHARE_EVENT_H

#include "share/space.h"

/* 0 or MC_NOMEM. */
int mc_event_create(mc_ref *event);

/* Sets it and wakes all who wait (MC_SET). */
void mc_event_set(mc_ref event);
void mc_event_clear(mc_ref event);
bool mc_event_is_set(mc_ref event);

/* A number, not 0, that changes whenever the event is set: see mc_want_since(). */
uint32_t mc_event_sets(mc_ref event);

/* The same of an event's word. */
static inline uint32_t mc_event_short(uint64_t value) {
  return (uint32_t)((value >> 1) % 0xffffffu) + 1;
}

#endif
