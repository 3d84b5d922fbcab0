#include "bind/receive.h"

#include "bind/task.h"
#include "wire/wire.h"

#include <lauxlib.h>

struct receipt {
  const struct mc_lease *leases;
  size_t n, done, skip;
  bool keep; /* the leases are kept until task_done */
  lua_Integer next;
  int room; /* elements that a new table is made for */
};

static struct wire_bytes bytes_of(const struct mc_lease *lease, size_t skip) {
  return (struct wire_bytes){lease->bytes + skip, lease->length - skip, lease->handles,
                             lease->n_handles};
}

static int decode_one(lua_State *L) {
  const struct receipt *receipt = lua_touserdata(L, 1);
  struct wire_bytes bytes = bytes_of(receipt->leases, receipt->skip);
  return wire_decode(L, &bytes);
}

/* All from number `first` on; what was put first is to come first again. */
static void give_back(const struct receipt *receipt, size_t first) {
  for (size_t i = receipt->n; i-- > first;)
    mc_lease_return(&receipt->leases[i]);
}

/* The message that raised is dropped, or it would raise for ever; not so for want of
 * memory. */
static void give_up(lua_State *L, struct receipt *receipt, int status) {
  size_t rest = receipt->done;
  if (status != LUA_ERRMEM && receipt->keep)
    mc_lease_finish(&receipt->leases[rest++]);
  else if (status != LUA_ERRMEM)
    mc_lease_settle(&receipt->leases[rest++]);
  give_back(receipt, rest);
  lua_error(L);
}

static void deal_with(const struct receipt *receipt, const struct mc_lease *lease) {
  if (receipt->keep)
    mc_lease_keep(lease, bind_task_id());
  else
    mc_lease_settle(lease);
}

static int receive(lua_State *L, struct receipt *receipt) {
  /* What needs no memory can't fail, and needs no protected call. */
  struct wire_bytes bytes = bytes_of(receipt->leases, receipt->skip);
  if (wire_decode_scalar(L, &bytes)) {
    deal_with(receipt, receipt->leases);
    return 1;
  }
  int top = lua_gettop(L);
  lua_pushcfunction(L, decode_one);
  lua_pushlightuserdata(L, receipt);
  int status = lua_pcall(L, 1, LUA_MULTRET, 0);
  if (status != LUA_OK)
    give_up(L, receipt, status);
  deal_with(receipt, receipt->leases);
  return lua_gettop(L) - top;
}

int bind_receive(lua_State *L, const struct mc_lease *lease, size_t skip) {
  struct receipt receipt = {.leases = lease, .n = 1, .skip = skip};
  return receive(L, &receipt);
}

int bind_receive_kept(lua_State *L, const struct mc_lease *lease) {
  struct receipt receipt = {.leases = lease, .n = 1, .keep = true};
  return receive(L, &receipt);
}

static int decode_all(lua_State *L) {
  struct receipt *receipt = lua_touserdata(L, 1);
  if (!lua_istable(L, 2)) {
    lua_settop(L, 1);
    lua_createtable(L, receipt->room, 0);
  }
  for (; receipt->done < receipt->n; receipt->done++) {
    const struct mc_lease *lease = &receipt->leases[receipt->done];
    struct wire_bytes bytes = bytes_of(lease, 0);
    if (wire_decode(L, &bytes) != 1)
      lua_settop(L, 3);
    lua_rawseti(L, 2, receipt->next++);
    deal_with(receipt, lease);
  }
  return 1;
}

size_t bind_receive_all(lua_State *L, const struct mc_lease *leases, size_t n,
                        lua_Integer next, int room, bool keep) {
  struct receipt receipt = {
      .leases = leases, .n = n, .next = next, .room = room, .keep = keep};
  lua_pushcfunction(L, decode_all);
  lua_pushlightuserdata(L, &receipt);
  lua_pushvalue(L, -3);
  int status = lua_pcall(L, 2, 1, 0);
  if (status != LUA_OK && next == 1 && receipt.done == 0)
    give_up(L, &receipt, status);
  if (status != LUA_OK) {
    lua_pop(L, 1);
    give_back(&receipt, receipt.done);
  } else {
    lua_replace(L, -2);
  }
  return receipt.done;
}
