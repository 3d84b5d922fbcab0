/* An array: a fixed number of plain numbers of one kind, side by side.
 *
 * Every operation happens as a whole or, when its process dies inside, not at all, and is
 * seen by the others as a whole: a slice, too. Indices begin with 0 here. */
#ifndef MC_SHARE_ARRAY_H
#define MC_SHARE_ARRAY_H

#include "share/value.h"

/* name, C type, is it a float */
#define MC_ARRAY_KINDS(X)                                                                \
  X(I8, int8_t)                                                                          \
  X(U8, uint8_t)                                                                         \
  X(I16, int16_t)                                                                        \
  X(U16, uint16_t)                                                                       \
  X(I32, int32_t)                                                                        \
  X(U32, uint32_t)                                                                       \
  X(I64, int64_t)                                                                        \
  X(F32, float)                                                                          \
  X(F64, double)

enum mc_array_kind {
#define MC_ARRAY_ENUM(name, type) MC_##name,
  MC_ARRAY_KINDS(MC_ARRAY_ENUM)
#undef MC_ARRAY_ENUM
};

/* Makes an array of n zeros, held once by this process. 0, MC_NOMEM, MC_TOOBIG. */
int mc_array_create(enum mc_array_kind kind, uint64_t n, mc_ref *array);

uint64_t mc_array_size(mc_ref array);
enum mc_array_kind mc_array_kind(mc_ref array);
size_t mc_array_width(enum mc_array_kind kind); /* bytes of an element */

/* Copies n elements from number i on to `to`, or from `from`: elements as the kind has
 * them in memory. 0, MC_RANGE; the write of several MC_NOMEM, MC_TOOBIG. */
int mc_array_read(mc_ref array, uint64_t i, uint64_t n, void *to);
int mc_array_write(mc_ref array, uint64_t i, uint64_t n, const void *from);

/* Adds to element i. 0; MC_RANGE: there is no such element, or the sum does not fit its
 * kind. */
int mc_array_increment(mc_ref array, uint64_t i, const struct mc_value *by,
                       struct mc_value *result);

/* An element in memory to a value, and back; false: it does not fit the kind. */
void mc_array_load(enum mc_array_kind kind, const void *element, struct mc_value *value);
bool mc_array_store(enum mc_array_kind kind, void *element, const struct mc_value *value);

#endif
