/* A growable run of bytes, reused between messages. Owned by one thread. */
#ifndef MC_BASE_BUFFER_H
#define MC_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct mc_buffer {
  unsigned char *data;
  size_t length;
  size_t capacity;
};

/* Makes room for `more` bytes behind the length. false: no memory, the buffer is as it
 * was. */
bool mc_buffer_grow(struct mc_buffer *buffer, size_t more);

/* Frees the bytes; the buffer is empty and may be used again. */
void mc_buffer_free(struct mc_buffer *buffer);

static inline bool mc_buffer_reserve(struct mc_buffer *buffer, size_t more) {
  return buffer->capacity - buffer->length >= more || mc_buffer_grow(buffer, more);
}

static inline bool mc_buffer_append(struct mc_buffer *buffer, const void *bytes,
                                    size_t n) {
  if (!mc_buffer_reserve(buffer, n))
    return false;
  if (n)
    memcpy(buffer->data + buffer->length, bytes, n);
  buffer->length += n;
  return true;
}

static inline bool mc_buffer_byte(struct mc_buffer *buffer, unsigned char byte) {
  return mc_buffer_append(buffer, &byte, 1);
}

#endif
