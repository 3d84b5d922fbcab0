#include "host/embed/channel.h"

#include "include/mooncrew.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536
#define READ_MOST (1 << 20)

static size_t in_use(const struct embed_buffer *buffer) {
  return buffer ? buffer->length - buffer->start : 0;
}

bool embed_channel_put(struct embed_channel *channel, const struct mc_frame *head,
                       const struct embed_buffer *refs,
                       const struct embed_buffer *bytes) {
  struct mc_frame frame = *head;
  frame.n_refs = (uint32_t)(in_use(refs) / sizeof(uint32_t));
  frame.length = in_use(bytes);
  if (!embed_reserve(&channel->out, sizeof frame + in_use(refs) + in_use(bytes)))
    return false;
  embed_append(&channel->out, &frame, sizeof frame);
  if (frame.n_refs)
    embed_append(&channel->out, refs->data + refs->start, in_use(refs));
  if (frame.length)
    embed_append(&channel->out, bytes->data + bytes->start, in_use(bytes));
  return true;
}

bool embed_channel_flush(struct embed_channel *channel) {
  struct embed_buffer *out = &channel->out;
  while (out->start < out->length) {
    ssize_t sent = send(channel->fd, out->data + out->start, in_use(out),
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0)
      embed_consume(out, (size_t)sent);
    else if (sent < 0 && errno != EINTR)
      return errno == EAGAIN;
  }
  return true;
}

/* How much is still missing of the frame that has begun. */
static size_t missing(const struct embed_buffer *in) {
  struct mc_frame head;
  if (in_use(in) < sizeof head)
    return READ_SIZE;
  memcpy(&head, in->data + in->start, sizeof head);
  uint64_t whole = sizeof head + (uint64_t)head.n_refs * sizeof(uint32_t) + head.length;
  return whole > in_use(in) + READ_SIZE ? (size_t)whole - in_use(in) : READ_SIZE;
}

int embed_channel_fill(struct embed_channel *channel) {
  struct embed_buffer *in = &channel->in;
  embed_consume(in, 0);
  for (size_t total = 0; total < READ_MOST;) {
    if (!embed_reserve(in, missing(in)))
      return MOONCREW_ENOMEM;
    size_t room = in->capacity - in->length;
    ssize_t got = recv(channel->fd, in->data + in->length, room, MSG_DONTWAIT);
    if (got > 0) {
      in->length += (size_t)got;
      total += (size_t)got;
      if ((size_t)got < room)
        return 0;
    } else if (got == 0 || errno != EINTR) {
      return got < 0 && errno == EAGAIN ? 0 : -1;
    }
  }
  return 1;
}

int embed_channel_next(struct embed_channel *channel, struct embed_arrival *arrival) {
  struct embed_buffer *in = &channel->in;
  struct mc_frame *head = &arrival->head;
  if (in_use(in) < sizeof *head)
    return 0;
  memcpy(head, in->data + in->start, sizeof *head);
  if (head->type >= MC_FRAME_TYPES || head->length > SIZE_MAX / 4)
    return -1;
  size_t refs = (size_t)head->n_refs * sizeof(uint32_t);
  size_t whole = sizeof *head + refs + (size_t)head->length;
  if (in_use(in) < whole)
    return 0;
  /* A frame begins anywhere, so its references are moved to the front of the buffer's
   * memory only if they would not be aligned. */
  unsigned char *at = in->data + in->start + sizeof *head;
  unsigned char *aligned = at - (uintptr_t)at % sizeof(uint32_t);
  if (refs && aligned != at)
    memmove(aligned, at, refs); /* over the head, which has been copied */
  arrival->refs = (const uint32_t *)(void *)aligned;
  arrival->bytes = at + refs;
  in->start += whole; /* the bytes stay until the next fill */
  return 1;
}

void embed_channel_free(struct embed_channel *channel) {
  if (channel->fd >= 0)
    close(channel->fd);
  channel->fd = -1;
  embed_buffer_free(&channel->out);
  embed_buffer_free(&channel->in);
}
