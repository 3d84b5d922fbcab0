/* A text that comes to a terminal whole though its writer is killed in the middle.
 *
 *   writer             shared memory              the terminal
 *   begin ───────────► text, length
 *   write ──── sendfile from `done` on ────────► "\r\33[Jbar on"   SIGKILL
 *                      done = 10, by the kernel
 *   the next one:
 *   write ──── sendfile from `done` on ────────► "e\r\nbar two"
 *
 * A write() that is killed does not tell how much of it is out. The offset of sendfile()
 * is set by the kernel before the death takes effect, so it is exact at any instruction.
 * Where that call is not to be had (a stream opened for appending, no descriptor free)
 * the rest is written as usual.
 *
 * All of it is for the holder of a lock that a death releases. */
#ifndef MC_OS_HANDOVER_H
#define MC_OS_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MC_HANDOVER_MOST 131072 /* bytes */

/* In shared memory, zeroed at first. */
struct mc_handover {
  uint32_t length; /* of the text; 0: nothing is under way. Set last, cleared last */
  off_t done;      /* bytes of it that are out */
  char text[MC_HANDOVER_MOST];
};

/* Takes the text over, at most MC_HANDOVER_MOST bytes; it is not 0 long, and nothing is
 * under way. From here on it will be written. */
void mc_handover_begin(struct mc_handover *over, const void *text, size_t n);

/* Writes what is left of it, whoever began; then it is still under way until its end is
 * told. false: some could not be written, which is given up. */
bool mc_handover_write(struct mc_handover *over, int fd);

/* Nothing is under way now. */
void mc_handover_end(struct mc_handover *over);

/* Writes all, also to what doesn't block. false: not all could be written. */
bool mc_write_out(int fd, const void *bytes, size_t n);

#endif
