/* Processes of a kill test: victims, which are stepped from instruction to instruction,
 * and helpers, which run beside them.
 *
 *   tester ─ reserves a member, forks ─► actor: adopts, warms up, stops ─► operation
 *
 * All are forked before the first victim moves: a victim that stands inside a lock would
 * keep the tester from reserving. They die with the tester. */
#ifndef TORTURE_ACTOR_H
#define TORTURE_ACTOR_H

#include "share/member.h"

#include <stdbool.h>
#include <sys/types.h>

struct role {
  void (*warm)(void); /* before it stops; may be NULL */
  void (*op)(void);
  bool no_adopt; /* the operation adopts `own_member` itself */
};

struct actor {
  unsigned index; /* in the ledger */
  pid_t pid;
  struct mc_member member;
};

extern struct mc_member own_member; /* of this actor */

/* A victim that stands before its operation. */
struct actor victim_start(unsigned index, const struct role *role);

/* Moves it by n instructions. true: it stands there; false: the operation was over. */
bool victim_step(const struct actor *victim, long n);

/* Moves it from the start of its operation to instruction k, as quickly as the last
 * victim_finish allows. */
bool victim_go(const struct actor *victim, long k);

/* Steps it to the end of its operation; how many instructions that took. */
long victim_finish(const struct actor *victim);

/* Lets a victim run until it sleeps on its bell, and stops it there. */
void victim_sleep(const struct actor *victim);

/* SIGKILL; returns when it is dead. */
void actor_kill(const struct actor *actor);

/* A helper that waits for helper_go. */
struct actor helper_start(unsigned index, const struct role *role);
void helper_go(const struct actor *helper);

/* Waits until it is done or sleeps in the kernel, on a lock or on its bell. */
void helper_settle(const struct actor *helper);

/* Waits until it sleeps on its bell. */
void helper_sleeps(const struct actor *helper);

/* Waits until it is done, has left and has ended in order. */
void helper_end(const struct actor *helper);

/* It sleeps on its bell now. */
bool helper_asleep(const struct actor *helper);

bool helper_done(const struct actor *helper);

#endif
