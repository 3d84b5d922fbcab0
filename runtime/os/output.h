/* What a worker writes to its standard output and error: in whole lines, or caught.
 *
 * A capture is two files in memory that stand in for stdout and stderr while a task runs:
 * what C code and programs that the task starts write there is caught too. Who made it
 * can read it after the writer's death. */
#ifndef MC_OS_OUTPUT_H
#define MC_OS_OUTPUT_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* From now on stdout and stderr are written a line at a time, each in one piece as long
 * as it is shorter than 64 KiB. */
void mc_output_lines(void);

/* Writes out what is buffered. */
void mc_output_flush(void);

enum mc_stream { MC_STDOUT, MC_STDERR, MC_STREAMS };

struct mc_capture {
  int files[MC_STREAMS]; /* -1: none */
  int saved[MC_STREAMS]; /* the writer's: the real ones, while it captures; else -1 */
};

#define MC_NO_CAPTURE ((struct mc_capture){{-1, -1}, {-1, -1}})

/* Makes the files. 0, or a negated errno: then there are none. */
int mc_capture_create(struct mc_capture *capture);

void mc_capture_destroy(struct mc_capture *capture);

/* Empties the files and puts them in the place of stdout and stderr. 0, or a negated
 * errno: nothing has changed. */
int mc_capture_begin(struct mc_capture *capture);

/* stdout and stderr are the real ones again. Does nothing when they are. */
void mc_capture_end(struct mc_capture *capture);

/* Appends what was caught, up to `limit` bytes and a line that says how many more there
 * were. false: no memory; then nothing is appended. */
bool mc_capture_read(const struct mc_capture *capture, enum mc_stream stream,
                     uint64_t limit, struct mc_buffer *to);

/* Gives back the memory of what was written beyond `limit`, while the writer goes on. */
void mc_capture_trim(const struct mc_capture *capture, uint64_t limit);

#endif
