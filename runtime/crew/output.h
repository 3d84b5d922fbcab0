/* What the tasks of a worker write: whole lines, or captured and sent with the result. */
#ifndef MC_CREW_OUTPUT_H
#define MC_CREW_OUTPUT_H

#include "crew/board.h"
#include "crew/pool.h"

/* Worker, at its begin: the lines of several workers do not mix. */
void mc_worker_write_lines(void);

/* Worker: writes out what is still buffered. */
void mc_worker_flush(void);

/* Worker, before mc_seat_begin(): what the next task writes is captured, and `limit`
 * bytes of each stream are kept; 0: it is not captured. 0, or a negated errno: it is not.
 */
int mc_seat_capture(const struct mc_seat *seat, uint32_t limit);

/* Worker: the real streams again. */
void mc_seat_release(const struct mc_seat *seat);

/* Appends the head and what was captured, at most so many bytes of each stream. false: no
 * memory; then nothing is appended, and the head is as it was. */
bool mc_result_capture(struct mc_buffer *message, struct mc_result_head *head,
                       const struct mc_capture *capture, uint32_t limit);

#endif
