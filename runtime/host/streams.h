/* Standard input, output and error of the command. */
#ifndef MC_HOST_STREAMS_H
#define MC_HOST_STREAMS_H

/* Puts something in the place of those that are closed, so that no other file gets their
 * numbers: what is printed would land in it, and libuv aborts when it is to close it.
 * Reading and writing fail as before, and programs that are started find them closed.
 * Called first. */
void streams_hold(void);

#endif
