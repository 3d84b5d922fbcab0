/* Any bytes given to wire_decode: no crash, no undefined behaviour, memory bounded by a
 * multiple of the input. What is accepted can be sent on and is accepted again.
 *
 * Lua's loader crashes on hostile code, and the codec says so: its checksum guards
 * against accidents. So here only code that the seeds hold reaches the loader. */
#include "seeds/decode.h"

#include <stdio.h>
#include <stdlib.h>

#define STATE_RUNS     2000       /* inputs that one Lua state sees */
#define MEMORY_FACTOR  256        /* bytes of memory a byte of input may take */
#define MEMORY_OFFSET  (64 << 10) /* and what it may take in any case */
#define KNOWN_CODE_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_luaL_loadbufferx(lua_State *L, const char *code, size_t n, const char *name,
                            const char *mode);
int __real_luaL_loadbufferx(lua_State *L, const char *code, size_t n, const char *name,
                            const char *mode);

static struct {
  char *code;
  size_t n;
} known[KNOWN_CODE_MAX];
static size_t n_known;
static bool learning;

static size_t used, peak;
static lua_State *state;
static int runs;

int __wrap_luaL_loadbufferx(lua_State *L, const char *code, size_t n, const char *name,
                            const char *mode) {
  if (learning && strcmp(name, "=message") == 0) {
    if (n_known == KNOWN_CODE_MAX)
      abort();
    known[n_known].code = malloc(n);
    memcpy(known[n_known].code, code, n);
    known[n_known++].n = n;
  }
  for (size_t i = 0; i < n_known && !learning; i++)
    if (known[i].n == n && memcmp(known[i].code, code, n) == 0)
      return __real_luaL_loadbufferx(L, code, n, name, mode);
  if (learning)
    return __real_luaL_loadbufferx(L, code, n, name, mode);
  lua_pushliteral(L, "code of no seed");
  return LUA_ERRSYNTAX;
}

static void *allocate(void *data, void *block, size_t old_size, size_t new_size) {
  (void)data;
  used += new_size - (block ? old_size : 0);
  if (used > peak)
    peak = used;
  if (new_size)
    return realloc(block, new_size);
  free(block);
  return NULL;
}

static int learn(lua_State *L) {
  for (size_t i = 0; i < SEEDS; i++) {
    struct wire_bytes out;
    seeds_encode(L, i, &out);
    wire_decode(L, &out);
    lua_settop(L, 0);
  }
  return 0;
}

static lua_State *fresh_state(void) {
  lua_State *L = lua_newstate(allocate, NULL);
  if (!L)
    abort();
  seeds_ready(L);
  if (!n_known) {
    learning = true;
    lua_pushcfunction(L, learn);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK)
      abort();
    learning = false;
  }
  return L;
}

static int decode(lua_State *L) {
  const struct wire_bytes *in = lua_touserdata(L, 1);
  return wire_decode(L, in);
}

/* Encodes the values and decodes that, from a copy: decoding may run code. */
static int again(lua_State *L) {
  struct wire_bytes out;
  int count = lua_gettop(L);
  wire_encode(L, 1, count, "value", &out);
  luaL_checkstack(L, 4, NULL);
  unsigned char *bytes = lua_newuserdatauv(L, out.length, 0);
  uint32_t *refs = lua_newuserdatauv(L, (out.n_refs + 1) * sizeof *refs, 0);
  memcpy(bytes, out.bytes, out.length);
  if (out.n_refs)
    memcpy(refs, out.refs, out.n_refs * sizeof *refs);
  struct wire_bytes in = {bytes, out.length, refs, out.n_refs};
  if (wire_decode(L, &in) != count)
    abort();
  return 0;
}

static void check_memory(size_t before, size_t size) {
  if (peak - before > size * MEMORY_FACTOR + MEMORY_OFFSET) {
    fprintf(stderr, "%zu bytes of memory for %zu of input\n", peak - before, size);
    abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint32_t refs[] = {1, 2};
  if (!state)
    state = fresh_state();
  /* The collector stands still, so the peak is all that was asked for. */
  lua_gc(state, LUA_GCSTOP);
  size_t before = peak = used;
  struct wire_bytes in = {data, size, refs, 2};
  lua_pushcfunction(state, decode);
  lua_pushlightuserdata(state, &in);
  int status = lua_pcall(state, 1, LUA_MULTRET, 0);
  check_memory(before, size);
  if (status == LUA_OK && lua_checkstack(state, 4)) {
    lua_pushcfunction(state, again);
    lua_insert(state, 1);
    status = lua_pcall(state, lua_gettop(state) - 1, 0, 0);
    const char *error = status == LUA_OK ? "deep" : lua_tostring(state, -1);
    if (!strstr(error, "deep")) {
      fprintf(stderr, "accepted, but cannot be sent on: %s\n", error);
      abort();
    }
  }
  lua_settop(state, 0);
  lua_gc(state, LUA_GCRESTART);
  lua_gc(state, LUA_GCCOLLECT);
  if (++runs % STATE_RUNS == 0) {
    lua_close(state);
    state = NULL;
    if (used)
      abort();
  }
  return 0;
}
