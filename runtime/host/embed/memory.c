#include "host/embed/memory.h"

#include "include/mooncrew.h"

#include <stdint.h>
#include <stdlib.h>

#define KEPT (1u << 19) /* an empty buffer larger than this is given back */

static mooncrew_allocator allocator;
static void *allocator_data;
static size_t in_use; /* blocks; atomic */

int mooncrew_set_allocator(mooncrew_allocator new_allocator, void *data) {
  if (__atomic_load_n(&in_use, __ATOMIC_SEQ_CST))
    return MOONCREW_EBUSY;
  allocator = new_allocator;
  allocator_data = data;
  return MOONCREW_OK;
}

void *embed_resize(void *block, size_t size) {
  void *got = allocator ? allocator(allocator_data, block, size) : realloc(block, size);
  if (got && !block)
    __atomic_add_fetch(&in_use, 1, __ATOMIC_SEQ_CST);
  return got;
}

void *embed_new(size_t size) {
  void *block = embed_resize(NULL, size);
  return block ? memset(block, 0, size) : NULL;
}

void embed_free(void *block) {
  if (!block)
    return;
  if (allocator)
    allocator(allocator_data, block, 0);
  else
    free(block);
  __atomic_sub_fetch(&in_use, 1, __ATOMIC_SEQ_CST);
}

bool embed_reserve(struct embed_buffer *buffer, size_t more) {
  if (buffer->capacity - buffer->length >= more)
    return true;
  size_t used = buffer->length - buffer->start;
  if (more > SIZE_MAX / 4 - used)
    return false;
  if (buffer->capacity - used < more || buffer->start < buffer->capacity / 2) {
    size_t capacity = 2 * (used + more) + 256;
    unsigned char *data = embed_resize(NULL, capacity);
    if (!data)
      return false;
    if (used)
      memcpy(data, buffer->data + buffer->start, used);
    embed_free(buffer->data);
    buffer->data = data;
    buffer->capacity = capacity;
  } else {
    memmove(buffer->data, buffer->data + buffer->start, used);
  }
  buffer->start = 0;
  buffer->length = used;
  return true;
}

bool embed_append(struct embed_buffer *buffer, const void *bytes, size_t n) {
  if (!embed_reserve(buffer, n))
    return false;
  if (n)
    memcpy(buffer->data + buffer->length, bytes, n);
  buffer->length += n;
  return true;
}

void embed_consume(struct embed_buffer *buffer, size_t n) {
  buffer->start += n;
  if (buffer->start < buffer->length)
    return;
  buffer->start = buffer->length = 0;
  if (buffer->capacity > KEPT)
    embed_buffer_free(buffer);
}

void embed_buffer_free(struct embed_buffer *buffer) {
  embed_free(buffer->data);
  *buffer = (struct embed_buffer){0};
}

bool embed_grow(void *array, size_t *capacity, size_t n, size_t item) {
  if (n < *capacity)
    return true;
  size_t wanted = *capacity ? 2 * *capacity : 4;
  if (wanted > SIZE_MAX / item)
    return false;
  void *grown = embed_resize(*(void **)array, wanted * item);
  if (!grown)
    return false;
  *(void **)array = grown;
  *capacity = wanted;
  return true;
}
