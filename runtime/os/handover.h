/* A text that comes to a terminal whole though its writer is killed or stopped in the
 * middle.
 *
 *   writer             shared memory              the terminal
 *   begin ───────────► text, length
 *   write ──── sendfile from `done` on ────────► "\r\33[Jbar on"   SIGKILL
 *                      done = 10, by the kernel
 *   the next one:
 *   write ──── sendfile from `done` on ────────► "e\r\nbar two"
 *
 * A write() that is killed does not tell how much of it is out. The offset of sendfile()
 * is set by the kernel before the death takes effect, so it is exact at any instruction;
 * and so it is when the writer is stopped. Where that call is not to be had (a stream
 * opened for appending, no descriptor free) the rest is written as usual.
 *
 * From a writer that is stopped the text is taken away: `length` is marked, so that it
 * begins and ends nothing more, and `done` is set behind every end, so that a sendfile()
 * that it was about to make sends nothing when it goes on.
 *
 * Writing is for the holder of a lock that a death releases; taking away is for the
 * holder of another one: see pages.h. */
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
 * under way. true: from here on it will be written. false: it was taken away, and nothing
 * of the text will be. */
bool mc_handover_begin(struct mc_handover *over, const void *text, size_t n);

/* Whether something is under way, to be written by the lock's holder. */
bool mc_handover_is_begun(const struct mc_handover *over);

/* Writes what is left of it, whoever began; then it is still under way until its end is
 * told. When it is taken away meanwhile, the rest is written by who did that. false: some
 * could not be written, which is given up. */
bool mc_handover_write(struct mc_handover *over, int fd);

/* Nothing is under way now. false: it was taken away. */
bool mc_handover_end(struct mc_handover *over);

bool mc_handover_is_taken(const struct mc_handover *over);

/* Takes away what is under way; *kept is in shared memory too, says how much of it is
 * out, and is for nobody else. Its length; 0: nothing is. May be called again, by another
 * process, if this one dies. is_at_rest() tells whether the writer is stopped or gone,
 * and else waits a while for that. */
size_t mc_handover_take(struct mc_handover *over, off_t *kept,
                        bool (*is_at_rest)(void *data), void *data);

/* Goes on with n bytes that were taken from another one, of which so many are out. May
 * be called again. false: `to` was taken away meanwhile. */
bool mc_handover_inherit(struct mc_handover *to, const struct mc_handover *from, size_t n,
                         off_t done);

/* Nothing is under way, and nothing was taken away. */
void mc_handover_reset(struct mc_handover *over);

/* Writes all, also to what doesn't block. false: not all could be written. */
bool mc_write_out(int fd, const void *bytes, size_t n);

#endif
