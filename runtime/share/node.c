#include "share/node.h"

#include "base/error.h"

/* A block with room for `payload` bytes, linked to *link. */
static int take(uint64_t payload, mc_ref *link) {
  uint32_t size_class = mc_class_for(payload);
  if (size_class != MC_CLASS_RUN)
    return mc_block_take(size_class, link) ? 0 : MC_NOMEM;
  uint64_t bytes = sizeof(struct mc_block) + payload;
  uint64_t spans = (bytes + MC_SPAN_BYTES - 1) / MC_SPAN_BYTES;
  if (spans > mc_heap_capacity())
    return MC_TOOBIG;
  return mc_heap_take_hard((uint32_t)spans, link) ? 0 : MC_NOMEM;
}

int mc_node_make(const struct mc_key *key, const struct mc_value *value, mc_ref *link) {
  bool number = mc_form_is_number(value->form);
  uint32_t n_handles = number ? 0 : value->message.n_handles;
  uint64_t bytes = number ? 8 : value->message.length;
  uint32_t key_length = key ? key->length : 0;
  uint64_t overhead = mc_message_overhead(0, n_handles);
  int error = take(overhead + bytes + key_length, link);
  if (error)
    return error;
  struct mc_block *node = mc_block(*link);
  node->queue = key_length;
  node->length = bytes + key_length;
  node->flags = (uint64_t)value->form << 1 | (uint64_t)(key ? key->kind : 0) << 5;
  unsigned char *to = (unsigned char *)(node + 1) + overhead;
  if (number)
    *mc_node_number(node) = mc_value_bits(value);
  to += number ? 8 : 0;
  if (key_length)
    memcpy(to, key->bytes, key_length);
  if (!number && bytes)
    memcpy(to + key_length, value->message.bytes, bytes);
  if (n_handles) {
    memcpy(mc_message_handles(node), value->message.handles, n_handles * sizeof(mc_ref));
    mc_references_add(node, n_handles);
  }
  return 0;
}

bool mc_node_has_key(struct mc_block *node, const struct mc_key *key) {
  return node->queue == key->length && MC_NODE_KIND(node) == key->kind &&
         memcmp(mc_node_key(node), key->bytes, key->length) == 0;
}

/* An integer and a float are equal when they are the same number, exactly. */
static bool integer_is(int64_t integer, double number) {
  return number >= -0x1p63 && number < 0x1p63 && (double)(int64_t)number == number &&
         (int64_t)number == integer;
}

static double to_double(uint64_t bits) {
  double number;
  memcpy(&number, &bits, sizeof(number));
  return number;
}

bool mc_numbers_equal(unsigned form, uint64_t bits, const struct mc_value *value) {
  if (form == MC_INTEGER)
    return value->form == MC_INTEGER ? (int64_t)bits == value->integer
                                     : integer_is((int64_t)bits, value->number);
  return value->form == MC_INTEGER ? integer_is(value->integer, to_double(bits))
                                   : to_double(bits) == value->number;
}

bool mc_node_equals(struct mc_block *node, const struct mc_value *value) {
  unsigned form = MC_NODE_FORM(node);
  if (mc_form_is_number(form))
    return mc_form_is_number(value->form) &&
           mc_numbers_equal(form, *mc_node_number(node), value);
  if (form != value->form || mc_node_length(node) != value->message.length ||
      node->n_handles != value->message.n_handles)
    return false;
  return (value->message.length == 0 || memcmp(mc_node_bytes(node), value->message.bytes,
                                               value->message.length) == 0) &&
         (node->n_handles == 0 || memcmp(mc_message_handles(node), value->message.handles,
                                         node->n_handles * sizeof(mc_ref)) == 0);
}

unsigned mc_number_add(unsigned form, uint64_t *bits, const struct mc_value *by) {
  if (form == MC_INTEGER && by->form == MC_INTEGER) {
    *bits += (uint64_t)by->integer; /* wraps around, as Lua's integers do */
    return MC_INTEGER;
  }
  double number = form == MC_INTEGER ? (double)(int64_t)*bits : to_double(*bits);
  number += by->form == MC_INTEGER ? (double)by->integer : by->number;
  memcpy(bits, &number, sizeof(number));
  return MC_FLOAT;
}
