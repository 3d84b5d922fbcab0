/* What crosses by name, and how the names are found.
 *
 *   registered   tables given to wire_register_...
 *   module       any table or Lua function that is a value of package.loaded
 *   path         a C function, or a table that is a metatable or looks like a class,
 * which a module leads to: module.key or module.key.key
 *
 * Most messages are plain data. So modules and paths are looked for only from the first
 * function or unregistered metatable of a message on; should a module have been written
 * as data before that, the message is started again. */
#ifndef MC_WIRE_NAMES_H
#define MC_WIRE_NAMES_H

#include "wire/encode.h"

/* From here on names are looked for. false: the message must be started again. */
bool wire_enter_names(struct wire_encoder *encoder);

/* Is the table at `at` a registered one? */
bool wire_is_registered(struct wire_encoder *encoder, int at);

/* These write the value's name and return true, or return false and write nothing. */
bool wire_put_named_table(struct wire_encoder *encoder, int at, const void *pointer,
                          bool metatable);
bool wire_put_module(struct wire_encoder *encoder, int at, const void *pointer);
bool wire_put_path(struct wire_encoder *encoder, int at, bool must);

#endif
