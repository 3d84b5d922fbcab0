/* Values of shared tables: what is given to them, and copies of what is in them.
 *
 * Numbers are kept as numbers, so that they can be counted up in place. Everything else
 * is bytes and handles whose meaning only the caller knows; it may tell kinds of them
 * apart by the form. */
#ifndef MC_SHARE_VALUE_H
#define MC_SHARE_VALUE_H

#include "base/buffer.h"
#include "share/queue.h"

enum mc_form {
  MC_NOTHING, /* no value: as an argument it removes, in a list it is a hole */
  MC_INTEGER,
  MC_FLOAT,
  MC_BYTES, /* this and the forms behind it, up to MC_FORM_MAX: the caller's own */
};

#define MC_FORM_MAX 14

struct mc_value {
  unsigned form;
  union {
    int64_t integer;
    double number;
    struct mc_message message; /* without a tail */
  };
};

/* A key: bytes of a kind. Keys of different kinds differ. */
struct mc_key {
  const void *bytes;
  uint32_t length;
  unsigned kind;
};

#define MC_KEY_KIND_MAX 7

/* A copied entry. The pointers that belong to it are in the batch. */
struct mc_item {
  uint32_t form; /* an enum mc_form, or MC_ASK */
  uint32_t key_kind;
  union {
    int64_t integer;
    double number;
  };
  uint64_t version;  /* of the entry; see dict.h */
  size_t at, length; /* the value's bytes in batch.bytes */
  size_t key_at;     /* the key's */
  uint32_t key_length;
  uint32_t n_handles;
  size_t handles_at; /* in batch.handles, in refs */
};

#define MC_ASK 255 /* too large to be copied along: get it by its key */

/* Copies of entries in private memory, used again and again. This process has a hold on
 * each of the handles until the batch is emptied. All zero is an empty one. */
struct mc_batch {
  struct mc_buffer bytes, handles, items;
};

static inline size_t mc_batch_count(const struct mc_batch *batch) {
  return batch->items.length / sizeof(struct mc_item);
}

static inline const struct mc_item *mc_batch_item(const struct mc_batch *batch,
                                                  size_t i) {
  return (const struct mc_item *)batch->items.data + i;
}

static inline const mc_ref *mc_batch_handles(const struct mc_batch *batch,
                                             const struct mc_item *item) {
  return (const mc_ref *)batch->handles.data + item->handles_at;
}

/* Lets go of the handles; the memory is kept. */
void mc_batch_empty(struct mc_batch *batch);

/* The same, and frees the memory. */
void mc_batch_free(struct mc_batch *batch);

#endif
