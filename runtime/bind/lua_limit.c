#include "bind/lua_limit.h"

#define RESERVE ((uint64_t)1 << 20)

static struct {
  lua_Alloc allocate; /* the state's own; NULL: not limited */
  void *data;
  int64_t left; /* bytes */
} limit;

static void *allocate(void *data, void *block, size_t old, size_t new) {
  (void)data;
  int64_t more = (int64_t) new - (int64_t)(block ? old : 0); /* of a new one: its type */
  if (more > 0 && more > limit.left)
    return NULL;
  void *got = limit.allocate(limit.data, block, old, new);
  if (got || new == 0)
    limit.left -= more;
  return got;
}

void bind_lua_limit(lua_State *L, uint64_t bytes) {
  if (!limit.allocate) {
    limit.allocate = lua_getallocf(L, &limit.data);
    lua_setallocf(L, allocate, NULL);
    limit.left = INT64_MAX;
  }
  if ((int64_t)bytes < limit.left)
    limit.left = (int64_t)bytes;
}

void bind_lua_limit_give_reserve(void) {
  if (limit.allocate)
    limit.left += (int64_t)RESERVE;
}
