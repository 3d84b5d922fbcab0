#include "bind/helper.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536u
#define READ_MOST (1u << 20)
#define KEPT      (1u << 20) /* an empty buffer larger than this is given back */

/* What was dealt with makes room. */
static void compact(struct mc_buffer *buffer, size_t *start) {
  size_t left = buffer->length - *start;
  if (left && *start < buffer->length / 2)
    return;
  if (left)
    memmove(buffer->data, buffer->data + *start, left);
  buffer->length = left;
  *start = 0;
  if (!left && buffer->capacity > KEPT)
    mc_buffer_free(buffer);
}

static size_t whole(const struct mc_frame *head) {
  return sizeof *head + (size_t)head->n_refs * sizeof(mc_ref) + (size_t)head->length;
}

/* How much to make room for: the rest of the frame that has begun, at least. */
static size_t wanted(const struct bind_stream *stream) {
  struct mc_frame head;
  size_t there = stream->in.length - stream->in_start;
  if (there < sizeof head)
    return READ_SIZE;
  memcpy(&head, stream->in.data + stream->in_start, sizeof head);
  return whole(&head) > there + READ_SIZE ? whole(&head) - there : READ_SIZE;
}

int bind_stream_read(struct bind_stream *stream) {
  struct mc_buffer *in = &stream->in;
  for (size_t total = 0; total < READ_MOST;) {
    compact(in, &stream->in_start);
    if (!mc_buffer_reserve(in, wanted(stream)))
      return -ENOMEM;
    size_t room = in->capacity - in->length;
    ssize_t got = recv(BIND_HELPER_SOCKET, in->data + in->length, room, MSG_DONTWAIT);
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

int bind_stream_next(struct bind_stream *stream, struct bind_frame *frame) {
  size_t there = stream->in.length - stream->in_start;
  if (there < sizeof frame->head)
    return 0;
  const unsigned char *at = stream->in.data + stream->in_start;
  memcpy(&frame->head, at, sizeof frame->head);
  if (there < whole(&frame->head))
    return 0;
  frame->refs = at + sizeof frame->head;
  frame->bytes = frame->refs + (size_t)frame->head.n_refs * sizeof(mc_ref);
  stream->in_start += whole(&frame->head);
  return 1;
}

bool bind_stream_put(struct bind_stream *stream, const struct mc_frame *head,
                     const void *refs, const void *bytes) {
  struct mc_buffer *out = &stream->out;
  compact(out, &stream->out_start);
  if (!mc_buffer_reserve(out, whole(head)))
    return false;
  mc_buffer_append(out, head, sizeof *head);
  mc_buffer_append(out, refs, (size_t)head->n_refs * sizeof(mc_ref));
  mc_buffer_append(out, bytes, (size_t)head->length);
  return true;
}

bool bind_stream_flush(struct bind_stream *stream) {
  struct mc_buffer *out = &stream->out;
  while (stream->out_start < out->length) {
    ssize_t sent = send(BIND_HELPER_SOCKET, out->data + stream->out_start,
                        out->length - stream->out_start, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0)
      stream->out_start += (size_t)sent;
    else if (sent < 0 && errno != EINTR)
      return errno == EAGAIN;
  }
  compact(out, &stream->out_start);
  return true;
}

size_t bind_stream_unsent(const struct bind_stream *stream) {
  return stream->out.length - stream->out_start;
}

bool bind_stream_await(struct bind_stream *stream, struct bind_frame *frame) {
  for (;;) {
    int got = bind_stream_read(stream);
    if (bind_stream_next(stream, frame))
      return true;
    if (got < 0)
      return false;
    struct pollfd polls[] = {{.fd = BIND_HELPER_SOCKET, .events = POLLIN},
                             {.fd = BIND_HELPER_HOST, .events = POLLIN}};
    poll(polls, 2, -1);
    if (polls[1].revents)
      return false;
  }
}
