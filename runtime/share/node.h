/* Nodes: the blocks that hold an entry of a dict or an element of a list.
 *
 *   header │ handles, padded to 16 │ [number: 8] │ key │ bytes
 *
 *   block.sequence   the entry's version
 *   block.queue      the length of the key
 *   block.length     of number, key and bytes together
 *   block.flags      form << 1 | kind of the key << 5
 *   block.next       while an update is under way: the node that this one replaced
 *
 * A node is a message as far as its handles go: it is freed by mc_message_free. Numbers
 * have no handles. */
#ifndef MC_SHARE_NODE_H
#define MC_SHARE_NODE_H

#include "share/life.h"
#include "share/message.h"
#include "share/value.h"

#define MC_NODE_FORM(block) ((unsigned)((block)->flags >> 1 & 15))
#define MC_NODE_KIND(block) ((unsigned)((block)->flags >> 5))

static inline bool mc_form_is_number(unsigned form) {
  return form == MC_INTEGER || form == MC_FLOAT;
}

static inline uint64_t *mc_node_number(struct mc_block *node) {
  return (uint64_t *)(node + 1);
}

static inline uint64_t mc_node_key_at(const struct mc_block *node) {
  return mc_form_is_number(MC_NODE_FORM(node)) ? 8 : 0;
}

static inline unsigned char *mc_node_key(struct mc_block *node) {
  return mc_message_bytes(node) + mc_node_key_at(node);
}

static inline uint32_t mc_node_key_length(const struct mc_block *node) {
  return node->queue;
}

static inline unsigned char *mc_node_bytes(struct mc_block *node) {
  return mc_node_key(node) + node->queue;
}

static inline uint64_t mc_node_length(const struct mc_block *node) {
  return node->length - node->queue - mc_node_key_at(node);
}

/* The bits of a number. */
static inline uint64_t mc_value_bits(const struct mc_value *value) {
  uint64_t bits;
  if (value->form == MC_FLOAT)
    memcpy(&bits, &value->number, sizeof(bits));
  else
    bits = (uint64_t)value->integer;
  return bits;
}

/* A node for the value (not MC_NOTHING), linked to *link, which is in the caller's
 * pending list; its handles are counted. `key` may be NULL. 0, MC_NOMEM or MC_TOOBIG. */
int mc_node_make(const struct mc_key *key, const struct mc_value *value, mc_ref *link);

bool mc_node_has_key(struct mc_block *node, const struct mc_key *key);

/* true when what the node holds is the value: numbers by their value, NaN never, others
 * by form, bytes and handles. */
bool mc_node_equals(struct mc_block *node, const struct mc_value *value);

/* The same for two numbers by form and bits. */
bool mc_numbers_equal(unsigned form, uint64_t bits, const struct mc_value *value);

/* Adds `by` to a number in the form and bits given. The new form. */
unsigned mc_number_add(unsigned form, uint64_t *bits, const struct mc_value *by);

/* Appends a copy of the node's value to the batch, with its key if `with_key`. Values of
 * more than `most` bytes, or with handles when `most` is not SIZE_MAX, become MC_ASK. To
 * be called under the lock of what holds the node, without anything pending. 0, -ENOMEM
 * (private memory) or MC_NOMEM; then the batch is as it was. */
int mc_batch_add_node(struct mc_batch *batch, struct mc_block *node, bool with_key,
                      size_t most);

/* The same for a number or MC_NOTHING. */
int mc_batch_add_number(struct mc_batch *batch, unsigned form, uint64_t bits,
                        uint64_t version);

/* Frees what an operation left pending and what died by that. At its end, with no lock
 * held. */
static inline void mc_tables_clean_up(void) {
  if (mc_self->pending)
    mc_pending_free();
  if (__builtin_expect(mc_self->dying != 0, 0))
    mc_dismantle();
}

#endif
