#include "bind/open.h"

#include "base/error.h"
#include "bind/array.h"
#include "bind/claim.h"
#include "bind/confine.h"
#include "bind/coroutine.h"
#include "bind/current.h"
#include "bind/dict.h"
#include "bind/embedded.h"
#include "bind/error.h"
#include "bind/fs.h"
#include "bind/handle.h"
#include "bind/helper.h"
#include "bind/latch.h"
#include "bind/line.h"
#include "bind/list.h"
#include "bind/luv.h"
#include "bind/net.h"
#include "bind/place.h"
#include "bind/pool.h"
#include "bind/process.h"
#include "bind/queue.h"
#include "bind/screen.h"
#include "bind/shield.h"
#include "bind/sync.h"
#include "bind/task.h"
#include "bind/waitable.h"
#include "crew/interrupt.h"
#include "include/mooncrew.h"
#include "share/space.h"
#include "wire/wire.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROOM                                                                         \
  (1 << 24) /* made at once, whatever a caller says that a list will hold */

static int register_class(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  wire_register_class(L, name, 2);
  return 0;
}

/* { limit, carved, in_use, members, objects } of the shared memory, in bytes and counts
 */
static int shared_memory(lua_State *L) {
  struct mc_space_stats stats;
  mc_space_stats(&stats);
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, (lua_Integer)stats.limit);
  lua_setfield(L, -2, "limit");
  lua_pushinteger(L, (lua_Integer)stats.carved);
  lua_setfield(L, -2, "carved");
  lua_pushinteger(L, (lua_Integer)stats.in_use);
  lua_setfield(L, -2, "in_use");
  lua_pushinteger(L, stats.members);
  lua_setfield(L, -2, "members");
  lua_pushinteger(L, stats.objects);
  lua_setfield(L, -2, "objects");
  return 1;
}

/* Seconds on the monotonic clock. */
static int now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)mc_now() / 1e9);
  return 1;
}

/* hold_interrupts(hold) → whether they were held: see crew/interrupt.h */
static int hold_interrupts(lua_State *L) {
  lua_pushboolean(L, mc_interrupt_hold(lua_toboolean(L, 1)));
  return 1;
}

/* list(n): an empty table with room for n elements, so that filling it need not grow it
 */
static int list(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  lua_createtable(L, n < 0 ? 0 : n < MAX_ROOM ? (int)n : MAX_ROOM, 1);
  return 1;
}

static const luaL_Reg functions[] = {
    {"register_class", register_class},
    {"shared_memory", shared_memory},
    {NULL, NULL},
};

static void push_embedded(lua_State *L, const struct bind_embedded *module) {
  if (luaL_loadbufferx(L, (const char *)module->chunk, module->length, module->name,
                       "b") != LUA_OK)
    lua_error(L);
}

/* A loader for package.preload: upvalue 1 is the number of the embedded module. */
static int load_embedded(lua_State *L) {
  push_embedded(L, &bind_embedded[lua_tointeger(L, lua_upvalueindex(1))]);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static void preload(lua_State *L, const char *name, lua_CFunction loader) {
  lua_pushcfunction(L, loader);
  lua_setfield(L, -2, name);
}

static void preload_embedded(lua_State *L) {
  for (int i = 0; bind_embedded[i].name; i++) {
    if (!strcmp(bind_embedded[i].name, "mooncrew"))
      continue;
    lua_pushinteger(L, i);
    lua_pushcclosure(L, load_embedded, 1);
    lua_setfield(L, -2, bind_embedded[i].name);
  }
}

void bind_preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  preload(L, "mooncrew", luaopen_mooncrew);
  preload(L, "luv", bind_open_luv);
  preload(L, "mooncrew.http", bind_load_http);
  preload(L, "mooncrew.html", bind_load_html);
  preload(L, "mooncrew.fs", bind_open_fs);
  preload_embedded(L);
  lua_pop(L, 1);
}

/* Pushes what the parts in C offer: the public functions, and those for lua/mooncrew
 * alone. */
static void open_parts(lua_State *L) {
  lua_createtable(L, 0, 32);
  bind_open_handle(L);
  bind_open_error(L);
  bind_open_task(L);
  bind_open_queue(L);
  bind_open_dict(L);
  bind_open_list(L);
  bind_open_value(L);
  bind_open_array(L);
  bind_open_process(L);
  bind_open_current(L);
  luaL_setfuncs(L, functions, 0);
  lua_createtable(L, 0, 5);
  lua_pushcfunction(L, now);
  lua_setfield(L, -2, "now");
  lua_pushcfunction(L, list);
  lua_setfield(L, -2, "list");
  lua_pushcfunction(L, hold_interrupts);
  lua_setfield(L, -2, "hold_interrupts");
  lua_pushcfunction(L, bind_error_handler);
  lua_setfield(L, -2, "error_handler");
  bind_open_task_parts(L);
  bind_open_latch(L);
  bind_open_shield(L);
  bind_open_dict_parts(L);
  bind_open_list_parts(L);
  bind_open_sync(L);
  bind_open_wait_any(L);
  bind_open_confine(L);
  bind_open_pool(L);
  bind_open_helper(L);
  bind_open_claim(L);
  bind_open_screen(L);
  bind_open_line(L);
}

static int embedded_index(const char *name) {
  int i = 0;
  while (strcmp(bind_embedded[i].name, name) != 0)
    i++;
  return i;
}

/* A child has the thread that forked it alone: a lock that another one held stays locked
 * there for ever. The command itself knows what it does: its threads are libuv's. */
static void check_threads(lua_State *L) {
  char folder[PATH_MAX];
  bool is_module = false;
  bind_place(folder, sizeof folder, &is_module);
  if (!is_module)
    return;
  unsigned threads = mc_thread_count();
  const char *allowed = getenv("MOONCREW_ALLOW_THREADS");
  if (threads > 1 && (!allowed || strcmp(allowed, "1") != 0))
    luaL_error(L,
               "mooncrew: the process has %d threads, and one that forks must have one: "
               "use libmooncrew, or set MOONCREW_ALLOW_THREADS=1",
               (int)threads);
}

/* Makes the shared memory, once in a process. */
static void make_space(lua_State *L) {
  if (!mc_space_exists())
    check_threads(L);
  int error = mc_space_exists() ? 0 : mc_space_create(0);
  const char *wanted = getenv("MOONCREW_SHARED_MEMORY");
  if (error == -EINVAL && wanted)
    luaL_error(
        L, "MOONCREW_SHARED_MEMORY: expected 1M or more, such as 256M or 2G, got '%s'",
        wanted);
  if (error)
    luaL_error(L, "mooncrew: cannot make the shared memory: %s", mc_strerror(error));
}

MOONCREW_API int luaopen_mooncrew(lua_State *L) {
  make_space(L);
  bind_preload(L);
  bind_open_coroutine(L);
  open_parts(L);
  /* init.lua takes the two tables, and returns the module. */
  push_embedded(L, &bind_embedded[embedded_index("mooncrew")]);
  lua_insert(L, -3);
  lua_call(L, 2, 1);
  return 1;
}
