/* Writing functions: C functions by name, Lua functions as code and upvalues.
 *
 * The code keeps its debug information, so that a traceback in the receiver names lines.
 * A cell that several functions share is written once and referred to, like a table. */
#include "wire/encode.h"

#include "wire/names.h"
#include "wire/path.h"

#include <lauxlib.h>

static int put_code(lua_State *L, const void *bytes, size_t n, void *data) {
  struct wire_encoder *encoder = data;
  (void)L;
  if (n)
    memcpy(wire_room(encoder, n), bytes, n);
  encoder->state->length += n;
  return 0;
}

static void put_body(struct wire_encoder *encoder, int at) {
  lua_State *L = encoder->L;
  struct wire_state *state = encoder->state;
  wire_room(encoder, WIRE_CODE_HEAD);
  size_t head = state->length;
  state->length += WIRE_CODE_HEAD;
  lua_pushvalue(L, at);
  lua_dump(L, put_code, encoder, 0);
  lua_pop(L, 1);
  const unsigned char *code = state->bytes + head + WIRE_CODE_HEAD;
  uint32_t n = (uint32_t)(state->length - head - WIRE_CODE_HEAD);
  uint64_t sum = wire_checksum(code, n);
  memcpy(state->bytes + head, &n, sizeof n);
  memcpy(state->bytes + head + sizeof n, &sum, sizeof sum);
}

/* The value is on top of the stack. */
static bool put_upvalue(struct wire_encoder *encoder, const struct wire_step *step,
                        const char *name) {
  lua_State *L = encoder->L;
  struct wire_identity *seen = &encoder->state->seen;
  const void *cell = lua_upvalueid(L, step->at, (int)step->number);
  wire_identity_reserve(L, seen);
  struct wire_entry *entry = wire_identity_entry(seen, cell);
  if (wire_identity_taken(seen, entry)) {
    wire_put_ref(encoder, WIRE_UPREF, entry->offset);
    return true;
  }
  wire_identity_take(seen, entry, cell, (uint32_t)encoder->state->length);
  wire_put_byte(encoder, WIRE_UPVALUE);
  if (strcmp(name, "_ENV") != 0)
    return wire_put_value(encoder, lua_gettop(L), step);
  wire_put_byte(encoder, WIRE_GLOBALS);
  return true;
}

bool wire_put_function(struct wire_encoder *encoder, int at, const struct wire_step *up) {
  lua_State *L = encoder->L;
  struct wire_state *state = encoder->state;
  if (!wire_enter_names(encoder))
    return false;
  if (lua_iscfunction(L, at)) {
    if (!wire_put_path(encoder, at, true))
      wire_refuse(encoder, at, up);
    return true;
  }
  const void *pointer = lua_topointer(L, at);
  wire_identity_reserve(L, &state->seen);
  struct wire_entry *entry = wire_identity_entry(&state->seen, pointer);
  if (wire_identity_taken(&state->seen, entry)) {
    wire_put_ref(encoder, WIRE_REF, entry->offset);
    return true;
  }
  if (wire_put_module(encoder, at, pointer))
    return true;
  wire_identity_take(&state->seen, entry, pointer, (uint32_t)state->length);
  wire_descend(encoder);
  wire_put_byte(encoder, WIRE_FUNCTION);
  put_body(encoder, at);
  size_t slot = state->length;
  wire_put_byte(encoder, 0);
  struct wire_step step = {.up = up, .kind = WIRE_STEP_UPVALUE, .at = at};
  const char *name;
  while ((name = lua_getupvalue(L, at, (int)step.number + 1))) {
    step.number++;
    if (!put_upvalue(encoder, &step, name))
      return false;
    lua_pop(L, 1);
  }
  state->bytes[slot] = (unsigned char)step.number; /* Lua has at most 255 */
  encoder->depth--;
  return true;
}
