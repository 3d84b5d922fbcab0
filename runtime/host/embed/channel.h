/* The socket to the helper: frames out and in, never blocking. */
#ifndef MC_EMBED_CHANNEL_H
#define MC_EMBED_CHANNEL_H

#include "base/frame.h"
#include "host/embed/memory.h"

struct embed_channel {
  int fd;
  struct embed_buffer out, in;
};

/* A frame that came in; what it points to lives until the next call. */
struct embed_arrival {
  struct mc_frame head;
  const uint32_t *refs;
  const unsigned char *bytes;
};

/* Adds a frame to what goes out; all of it, or nothing for want of memory. */
bool embed_channel_put(struct embed_channel *channel, const struct mc_frame *head,
                       const struct embed_buffer *refs, const struct embed_buffer *bytes);

/* Writes what the socket takes. false: the other end is gone. */
bool embed_channel_flush(struct embed_channel *channel);

/* Reads what is there, at most about a mebibyte. 1: maybe more is there; 0: that was all;
 * -1: the other end is gone; MOONCREW_ENOMEM. */
int embed_channel_fill(struct embed_channel *channel);

/* Takes the next whole frame. 1; 0: none is complete; -1: what came is no frame. */
int embed_channel_next(struct embed_channel *channel, struct embed_arrival *arrival);

void embed_channel_free(struct embed_channel *channel);

#endif
