#include "base/buffer.h"

#include <stdint.h>
#include <stdlib.h>

bool mc_buffer_grow(struct mc_buffer *buffer, size_t more) {
  if (more > SIZE_MAX / 2 - buffer->length)
    return false;
  size_t want = buffer->length + more;
  size_t capacity = buffer->capacity ? buffer->capacity : 256;
  while (capacity < want)
    capacity *= 2;
  unsigned char *data = realloc(buffer->data, capacity);
  if (!data)
    return false;
  buffer->data = data;
  buffer->capacity = capacity;
  return true;
}

void mc_buffer_free(struct mc_buffer *buffer) {
  free(buffer->data);
  *buffer = (struct mc_buffer){0};
}
