/* The refusals of the encoder, which say where the offender sits. */
#ifndef MC_WIRE_PATH_H
#define MC_WIRE_PATH_H

#include "wire/encode.h"

/* Raises `cannot send a FILE* (at item.log[2])` for the value at stack index `at`. */
_Noreturn void wire_refuse(struct wire_encoder *encoder, int at,
                           const struct wire_step *step);

#endif
