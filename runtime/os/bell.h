/* A doorbell for a process that sleeps in an event loop: a datagram socket with an
 * abstract name, so that anybody who knows (id, number) can ring it and nothing is left
 * on disk. */
#ifndef MC_OS_BELL_H
#define MC_OS_BELL_H

#include <stdint.h>

/* Opens the bell (id, number): a descriptor that becomes readable when it is rung, or a
 * negated errno. Non-blocking, closed on exec. */
int mc_bell_open(uint64_t id, uint64_t number);

/* Rings the bell (id, number). `*sender` is this process's socket for ringing, made at
 * the first call (start with -1) and closed by the caller. A bell that does not exist, or
 * that has been rung so often that it is full, is no error. */
void mc_bell_send(int *sender, uint64_t id, uint64_t number);

/* Makes `*sender` already, when it is -1. 0 or a negated errno. */
int mc_bell_open_sender(int *sender);

/* Makes the descriptor unreadable until the next ring. */
void mc_bell_drain(int bell);

/* Closes a descriptor of ours and forgets it; -1 is fine. */
void mc_bell_close(int *fd);

#endif
