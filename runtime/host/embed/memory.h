/* All memory of the library: from the host's allocator, or malloc. */
#ifndef MC_EMBED_MEMORY_H
#define MC_EMBED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* As realloc; NULL: no memory, `block` is as it was. */
void *embed_resize(void *block, size_t size);

/* Zeroed. */
void *embed_new(size_t size);

void embed_free(void *block);

/* A run of bytes: those from `start` to `length` are in use. */
struct embed_buffer {
  unsigned char *data;
  size_t start, length, capacity;
};

/* Makes room for `more` bytes behind the length; may move what is in use to the front. */
bool embed_reserve(struct embed_buffer *buffer, size_t more);
bool embed_append(struct embed_buffer *buffer, const void *bytes, size_t n);

/* The first n bytes in use are no longer. */
void embed_consume(struct embed_buffer *buffer, size_t n);
void embed_buffer_free(struct embed_buffer *buffer);

/* Doubles an array that is full. false: no memory, it is as it was. */
bool embed_grow(void *array, size_t *capacity, size_t n, size_t item);

#endif
