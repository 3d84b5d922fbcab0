/* A claim on a file, for a whole tree of processes.
 *
 * It belongs to the open file, not to a process: children that are forked later share it,
 * and it ends with the last process that has the file open, by SIGKILL too. So who gets a
 * claim knows that nobody of a former tree can still write. */
#ifndef MC_CREW_CLAIM_H
#define MC_CREW_CLAIM_H

/* Claims the file behind a descriptor, without waiting. 0; MC_BUSY: another open file has
 * the claim; or a negated errno. */
int mc_claim(int fd);

/* Gives a claim up, for all who share it. 0 or a negated errno. */
int mc_unclaim(int fd);

#endif
