/* Where an operation's instructions lie, so that a victim can run most of the way to the
 * k-th one instead of being stepped: it runs to a breakpoint at the last address before
 * it that the operation had not been at yet.
 *
 * Of this process; one operation at a time. Without it (other machines than x86-64)
 * everything is stepped. */
#ifndef TORTURE_TRACE_H
#define TORTURE_TRACE_H

#include <stdbool.h>
#include <sys/types.h>

/* Notes where the stopped process stands, as the n-th address. */
void trace_note(pid_t pid, long n);

/* The last step up to k that can be run to; 0: none. */
long trace_before(long k);

/* Runs the process, which stands before step 0, to that step. false: it was stopped
 * elsewhere, by a signal or its own end. */
bool trace_run(pid_t pid, long step);

#endif
