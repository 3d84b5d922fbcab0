/* What a forked child does about the handlers of signals that it has from its parent. */
#ifndef MC_OS_SIGNALS_H
#define MC_OS_SIGNALS_H

/* For the command's main(), before anything else is loaded: the program's own code sets
 * handlers for SIGINT and SIGTERM alone. From then on, and as long as no library is
 * loaded, only those and what the program was started with are looked at when it forks.
 * Others look at all signals. */
void mc_signals_mine(void);

/* Parent, before the fork: notes which signals have to be looked at. */
void mc_signals_note(void);

/* Child: as exec does it. What is ignored stays ignored, what has a handler gets the
 * default. */
void mc_signals_reset(void);

#endif
